import { randomBytes } from "node:crypto";
import {
  type CreatedToken,
  isRight,
  LeverError,
  type Right,
  rights,
  type TokenListing,
} from "@leveros/protocol";
import type { Store, TokenRecord } from "../store/store.ts";
import { hashOf, TokenIndex, type TokenIndexOptions } from "./token-index.ts";

/** Begins every token, so that people and scanners for leaked secrets know one when they see it. */
const PREFIX = "lever_";
const SECRET_BYTES = 32;
const ID_BYTES = 4;
const TOKENS_MAX = 10_000;

export interface AccessOptions extends TokenIndexOptions {
  readonly store: Store;
}

/** Makes and revokes tokens. Only their hashes are kept. */
export class Access extends TokenIndex {
  readonly #options: AccessOptions;
  /** There is a token more, or one fewer: what else knows them has to hear of it. */
  onChange: (record: TokenRecord, isKnown: boolean) => void = () => {};

  private constructor(options: AccessOptions) {
    super(options);
    this.#options = options;
  }

  static async open(options: AccessOptions): Promise<Access> {
    const access = new Access(options);
    for (const record of await options.store.tokens()) access.add(record);
    return access;
  }

  /** Makes a token, which is told this once. @throws LeverError `malformed_request`, `overloaded` */
  async create(wanted: unknown): Promise<CreatedToken> {
    const { environments, can, expiresInMs, note } = parseWanted(wanted);
    if (this.count >= TOKENS_MAX) {
      throw new LeverError("overloaded", "Cannot create a token: there are too many.");
    }
    const now = this.#options.wallTime();
    const id = randomBytes(ID_BYTES).toString("hex");
    const token = `${PREFIX}${randomBytes(SECRET_BYTES).toString("base64url")}`;
    const expiresAt = expiresInMs === undefined ? undefined : now + expiresInMs;
    const record: TokenRecord = {
      id,
      hash: hashOf(token),
      environments,
      can,
      expiresAt,
      readHostValue: note,
      createdAt: now,
    };
    if (!this.hasTokens && !isPermanentAdmin(record)) {
      throw new LeverError(
        "malformed_request",
        'Cannot create the token: from the first one on nobody gets in without, so that one has to allow "admin" in all environments ("*"), for ever.',
      );
    }
    await this.#options.store.putToken(record);
    this.add(record);
    this.onChange(record, true);
    return { ...listingOf(record), token };
  }

  /** From now on nobody gets in with it. @throws LeverError `malformed_request` */
  async revoke(id: unknown): Promise<void> {
    const record = this.find(String(id));
    if (record === undefined) {
      throw new LeverError("malformed_request", `There is no token ${JSON.stringify(id)}.`);
    }
    const others = [...this.records].filter((other) => other !== record);
    if (others.length > 0 && !others.some((other) => isPermanentAdmin(other))) {
      throw new LeverError(
        "malformed_request",
        "Cannot revoke the token: no other may administer everything for ever, so that nobody could any more.",
      );
    }
    this.remove(record);
    this.onChange(record, false);
    await this.#options.store.removeToken(record.id);
  }

  list(): TokenListing[] {
    return [...this.records].map(listingOf);
  }
}

/** May do everything, for ever: one of these there has to be, or nobody could make another. */
function isPermanentAdmin({ can, environments, expiresAt }: TokenRecord): boolean {
  return can.includes("admin") && environments.includes("*") && expiresAt === undefined;
}

const ENVIRONMENTS_MAX = 1_000;
const NOTE_MAX = 200;

function parseWanted(wanted: unknown): {
  environments: string[];
  can: Right[];
  expiresInMs: number | undefined;
  note: string;
} {
  const given = (typeof wanted === "object" && wanted !== null ? wanted : {}) as Record<
    string,
    unknown
  >;
  const { environments, can, expiresInMs, note = "" } = given;
  const refuse = (what: string): LeverError =>
    new LeverError("malformed_request", `Cannot create the token: ${what}.`);
  if (
    !Array.isArray(environments) ||
    environments.length === 0 ||
    environments.length > ENVIRONMENTS_MAX ||
    !environments.every((name): name is string => typeof name === "string" && name !== "")
  ) {
    throw refuse('its environments are not a list of names, or of "*"');
  }
  if (!Array.isArray(can) || can.length === 0 || !can.every(isRight)) {
    throw refuse(`what it allows is not a list of ${rights.join(", ")}`);
  }
  if (
    expiresInMs !== undefined &&
    !(typeof expiresInMs === "number" && expiresInMs > 0 && expiresInMs < 1e13)
  ) {
    throw refuse("its time is not a number of milliseconds above 0");
  }
  if (typeof note !== "string" || note.length > NOTE_MAX) {
    throw refuse(`its note is not a text of at most ${NOTE_MAX} characters`);
  }
  return { environments: environments.map((name) => name.toLowerCase()), can, expiresInMs, note };
}

function listingOf({
  id,
  environments,
  can,
  expiresAt,
  readHostValue: note,
  createdAt,
}: TokenRecord): TokenListing {
  return {
    id,
    environments,
    can,
    note,
    createdAt: new Date(createdAt).toISOString(),
    ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
  };
}
