import { randomBytes } from "node:crypto";
import { type CreatedToken, LeverError, type TokenListing } from "@leveros/protocol";
import { isoTime } from "../clock.ts";
import { Emitter } from "../emitter.ts";
import type { State } from "../state/state.ts";
import { type AppliedChange, TOKENS_KEY } from "../store/change.ts";
import type { Store, TokenRecord } from "../store/store.ts";
import { consoleTokensOf } from "./console-tokens.ts";
import { type PrincipalId, TokenIndex, type TokenIndexOptions, tokenHash } from "./token-index.ts";
import type { TokenOptions } from "./token-options.ts";

/** Starts every token, so that people and scanners for leaked secrets recognize one. */
const PREFIX = "lever_";
const SECRET_BYTES = 32;
const ID_BYTES = 4;
const TOKENS_MAX = 10_000;

export interface TokenRegistryOptions extends TokenIndexOptions {
  readonly store: Pick<Store, "tokens">;
  readonly state: State;
}

/**
 * Creates and revokes tokens in the store, which has only their hashes. `apply` then changes the index that requests are
 * checked by. Changes happen one after the other: each is checked against the tokens that the one before has left.
 */
export class TokenRegistry {
  readonly index: TokenIndex;
  readonly #options: TokenRegistryOptions;
  /** A token was created (`isKnown`) or revoked: other indexes must follow. */
  readonly changed: Emitter<{ readonly record: TokenRecord; readonly isKnown: boolean }> =
    new Emitter();

  private constructor(options: TokenRegistryOptions) {
    this.#options = options;
    this.index = new TokenIndex(options);
  }

  static async open(options: TokenRegistryOptions): Promise<TokenRegistry> {
    const registry = new TokenRegistry(options);
    for (const record of await options.store.tokens()) registry.index.add(record);
    return registry;
  }

  /** Carries a change out that the store has. */
  apply({ change }: AppliedChange): void {
    if (change.kind === "tokenCreated") {
      this.index.add(change.record);
      this.changed.emit({ record: change.record, isKnown: true });
    } else if (change.kind === "tokenRemoved") {
      const record = this.index.find(change.id);
      if (record === undefined) return;
      this.index.remove(record);
      this.changed.emit({ record, isKnown: false });
    }
  }

  /** Creates a token. Only this reply has the token itself. @throws LeverError `conflict` */
  async create({ environments, rights, expiresInMs, note }: TokenOptions): Promise<CreatedToken> {
    const { store, state, wallTime } = this.#options;
    const now = wallTime();
    const token = `${PREFIX}${randomBytes(SECRET_BYTES).toString("base64url")}`;
    const record: TokenRecord = {
      id: randomBytes(ID_BYTES).toString("hex"),
      hash: tokenHash(token),
      environments,
      rights,
      expiresAt: expiresInMs === undefined ? undefined : now + expiresInMs,
      note,
      createdAt: now,
    };
    await state.change(TOKENS_KEY, async () => {
      const known = await store.tokens();
      if (known.length >= TOKENS_MAX) {
        throw new LeverError(
          "conflict",
          `Cannot create the token: there are ${TOKENS_MAX} already. Revoke one first.`,
        );
      }
      if (known.length === 0 && !isPermanentAdmin(record)) {
        throw new LeverError(
          "conflict",
          'Cannot create the token: the first token must allow "admin" in all environments ("*") and must not expire, or nobody could create another.',
        );
      }
      return { kind: "tokenCreated", record };
    });
    return { ...listingOf(record), token };
  }

  /**
   * Requests with the token are refused from now on, as are those of sessions of the console that it has opened. The last token that may do everything is revoked only if `isForced`.
   * @throws LeverError `not_found`, `conflict`
   */
  async revoke(id: string, { isForced }: { isForced: boolean }): Promise<void> {
    const { store, state } = this.#options;
    await state.change(TOKENS_KEY, async () => {
      const known = await store.tokens();
      const record = known.find((of) => of.id === id);
      if (record === undefined) {
        throw new LeverError(
          "not_found",
          `Cannot revoke the token ${JSON.stringify(id)}: there is no such token.`,
        );
      }
      const others = known.filter((other) => other !== record);
      const isLast = isPermanentAdmin(record) && !others.some(isPermanentAdmin);
      if (isLast && !isForced) throw lastAdmin(id, others.length);
      return { kind: "tokenRemoved", id };
    });
    for (const { id: ofConsole } of consoleTokensOf(this.index.records, id)) {
      await state.change(TOKENS_KEY, () => ({ kind: "tokenRemoved", id: ofConsole }));
    }
  }

  /** The token of a principal; null = it has none, and needs none. @throws LeverError `unauthorized` */
  find(principal: PrincipalId): TokenListing | null {
    const record = this.index.tokenOf(principal);
    return record === undefined ? null : listingOf(record);
  }

  list(): readonly TokenListing[] {
    return [...this.index.records].map(listingOf);
  }
}

function lastAdmin(id: string, others: number): LeverError {
  const effect =
    others === 0
      ? "Without tokens, every program on the host's machine may do everything, and other machines may only call open environments"
      : "The other tokens stay, and none of them can create or revoke one. Only lever token reset on the host's machine makes a new one";
  return new LeverError(
    "conflict",
    `Cannot revoke the token ${id}: it is the last one that may do everything. ${effect}. To revoke it all the same, set force.`,
  );
}

/** May do everything, without an end. */
function isPermanentAdmin({ rights, environments, expiresAt }: TokenRecord): boolean {
  return rights.includes("admin") && environments.includes("*") && expiresAt === undefined;
}

function listingOf(record: TokenRecord): TokenListing {
  const { id, environments, rights, note, createdAt, expiresAt } = record;
  return {
    id,
    environments,
    rights,
    note,
    createdAt: isoTime(createdAt),
    ...(expiresAt !== undefined && { expiresAt: isoTime(expiresAt) }),
  };
}
