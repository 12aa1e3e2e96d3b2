import { createHash, randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import {
  type CreatedToken,
  isRight,
  LeverError,
  type Right,
  rights,
  type TokenListing,
} from "@leveros/protocol";
import type { Store, TokenRecord } from "../store/store.ts";
import { type Asker, decideAccess, type Wanted } from "./decide-access.ts";

/** Begins every token, so that people and scanners for leaked secrets know one when they see it. */
const PREFIX = "lever_";
const SECRET_BYTES = 32;
const ID_BYTES = 4;
const TOKENS_MAX = 10_000;
/** By which browsers, which set no header on a WebSocket, hand a token over: a subprotocol that names it. */
const SUBPROTOCOL_PREFIX = "bearer.";

/** Between which addresses a request came. */
export interface Connection {
  readonly remoteAddress?: string | undefined;
  readonly localAddress?: string | undefined;
}

/** What the gateway knows of a request. */
export interface AccessRequest {
  readonly headers: IncomingHttpHeaders;
  /** HTTP's; undefined where there is but one. */
  readonly method?: string | undefined;
  /** undefined = it is closed already. */
  readonly socket: Connection | undefined;
}

/** Who asks, in a form that can go along with a call to the admin service: `""`, `local`, or a token's id. */
export type AskerKey = string;

export interface AccessOptions {
  readonly store: Store;
  /** Milliseconds since 1970. */
  readonly wallTime: () => number;
  /** Nobody but this machine reaches the host. */
  readonly isLocalOnly: boolean;
}

/** Knows the tokens, and says who may do what. Only their hashes are kept. */
export class Access {
  readonly #options: AccessOptions;
  readonly #byHash = new Map<string, TokenRecord>();
  readonly #byId = new Map<string, TokenRecord>();

  private constructor(options: AccessOptions, records: readonly TokenRecord[]) {
    this.#options = options;
    for (const record of records) this.#know(record);
  }

  static async open(options: AccessOptions): Promise<Access> {
    return new Access(options, await options.store.tokens());
  }

  /**
   * Lets a call of a service's method pass, or throws.
   * @throws LeverError `unauthorized`, `forbidden`
   */
  checkInvoke(request: AccessRequest, environment: string, isPublic: boolean): void {
    // The path of nearly every call on a laptop.
    const { authorization } = request.headers;
    if (this.#byId.size === 0 && authorization === undefined && this.#options.isLocalOnly) {
      if (!isForwarded(request.headers)) return;
    }
    this.#check(this.#askerOf(request), { right: "invoke", environment, isPublic });
  }

  /** True for a request that nothing lets in but where it comes from: without a token, while there is none. */
  trustsPlace(request: AccessRequest): boolean {
    if (this.hasTokens) return false;
    const { credential, isLocal } = this.#askerOf(request);
    return credential === "none" && isLocal;
  }

  get hasTokens(): boolean {
    return this.#byId.size > 0;
  }

  /**
   * Who calls the admin service: it decides by method.
   * @throws LeverError `unauthorized` for those who may do nothing there.
   */
  adminKey(request: AccessRequest): AskerKey {
    const { credential, isLocal } = this.#askerOf(request);
    if (typeof credential === "object") return (credential as TokenRecord).id;
    if (credential === "none" && isLocal && !this.hasTokens) return "local";
    throw unauthorized(credential === "unknown");
  }

  /** @throws LeverError `unauthorized` (the token was revoked meanwhile), `forbidden` */
  checkAdmin(key: AskerKey, right: Right, environment: string): void {
    const credential = key === "local" ? "none" : (this.#byId.get(key) ?? "unknown");
    this.#check({ credential, isLocal: key === "local" }, { right, environment, isPublic: false });
  }

  /** Makes a token, which is told this once. @throws LeverError `malformed_request`, `overloaded` */
  async create(wanted: unknown): Promise<CreatedToken> {
    const { environments, can, expiresInMs, note } = parseWanted(wanted);
    if (this.#byId.size >= TOKENS_MAX) {
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
      note,
      createdAt: now,
    };
    if (this.#byId.size === 0 && !isMaster(record)) {
      throw new LeverError(
        "malformed_request",
        'Cannot create the token: from the first one on nobody gets in without, so that one has to allow "admin" in all environments ("*"), for ever.',
      );
    }
    await this.#options.store.putToken(record);
    this.#know(record);
    return { ...listingOf(record), token };
  }

  /** From now on nobody gets in with it. @throws LeverError `malformed_request` */
  async revoke(id: unknown): Promise<void> {
    const record = this.#byId.get(String(id));
    if (record === undefined) {
      throw new LeverError("malformed_request", `There is no token ${JSON.stringify(id)}.`);
    }
    const others = [...this.#byId.values()].filter((other) => other !== record);
    if (others.length > 0 && !others.some((other) => isMaster(other))) {
      throw new LeverError(
        "malformed_request",
        "Cannot revoke the token: no other may administer everything for ever, so that nobody could any more.",
      );
    }
    this.#byId.delete(record.id);
    this.#byHash.delete(record.hash);
    await this.#options.store.removeToken(record.id);
  }

  list(): TokenListing[] {
    return [...this.#byId.values()].map(listingOf);
  }

  #know(record: TokenRecord): void {
    this.#byId.set(record.id, record);
    this.#byHash.set(record.hash, record);
  }

  #askerOf({ headers, socket }: AccessRequest): Asker {
    const isLocal =
      (this.#options.isLocalOnly || (socket !== undefined && isFromHere(socket))) &&
      !isForwarded(headers);
    const token = tokenOf(headers);
    const credential =
      token === undefined ? "none" : (this.#byHash.get(hashOf(token)) ?? "unknown");
    return { credential, isLocal };
  }

  #check(asker: Asker, wanted: Wanted): void {
    const { wallTime } = this.#options;
    const state = { hasTokens: this.#byId.size > 0, now: wallTime() };
    const decision = decideAccess(asker, wanted, state);
    if (decision === "allowed") return;
    if (decision === "unauthorized") throw unauthorized(asker.credential !== "none");
    const where = wanted.environment === "*" ? "all environments" : wanted.environment;
    throw new LeverError("forbidden", `This token does not allow "${wanted.right}" in ${where}.`);
  }
}

function unauthorized(hasToken: boolean): LeverError {
  return new LeverError(
    "unauthorized",
    hasToken
      ? "This token is not valid: it is unknown, was revoked, or has expired."
      : "A token is needed: send it as `authorization: Bearer <token>`.",
  );
}

/** May do everything, for ever: one of these there has to be, or nobody could make another. */
function isMaster({ can, environments, expiresAt }: TokenRecord): boolean {
  return can.includes("admin") && environments.includes("*") && expiresAt === undefined;
}

/** Tokens are random and long: one round of a plain hash is as good as many. */
function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) {
    const [, token] = /^bearer +(\S+) *$/i.exec(authorization) ?? [];
    // Whatever else it is, it is no token: not the same as nothing.
    return token ?? "";
  }
  const offered = headers["sec-websocket-protocol"];
  if (offered === undefined) return undefined;
  return offered
    .split(",")
    .map((name) => name.trim())
    .find((name) => name.startsWith(SUBPROTOCOL_PREFIX))
    ?.slice(SUBPROTOCOL_PREFIX.length);
}

/** A proxy on this machine stands for someone else. */
function isForwarded(headers: IncomingHttpHeaders): boolean {
  return headers["x-forwarded-for"] !== undefined || headers["forwarded"] !== undefined;
}

/** From loopback, or from the very address that it came to: no other machine can hold a connection from that. */
function isFromHere({ remoteAddress, localAddress }: Connection): boolean {
  const address = bareAddress(remoteAddress);
  if (address === "") return false;
  return /^127\.|^::1$/.test(address) || address === bareAddress(localAddress);
}

/** An IPv4 address as such, also where it came in through a socket for IPv6; `""` for none. */
export function bareAddress(address = ""): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
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
  note,
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
