import { type CreatedToken, LeverError } from "@leveros/protocol";
import type { TokenRecord } from "../store/store.ts";
import { CODE, isOfConsole, SESSION } from "./console-tokens.ts";
import type { PrincipalId } from "./token-index.ts";
import type { TokenRegistry } from "./token-registry.ts";

/** A code is opened by a command, and used by the page that it opens. */
const CODE_LIFE_MS = 60_000;
const SESSION_LIFE_MS = 12 * 3_600_000;

/**
 * Creates a code for the console: a token with the rights of its creator, which is good for a minute and for one session. null =
 * the caller needs no token, so that a page on the same machine needs none.
 * @throws LeverError `unauthorized`, `forbidden`
 */
export async function createConsoleCode(
  tokens: TokenRegistry,
  principal: PrincipalId,
  now: number,
): Promise<string | null> {
  const creator = tokens.index.tokenOf(principal);
  if (creator === undefined) return null;
  if (isOfConsole(creator)) {
    throw new LeverError(
      "forbidden",
      "Cannot create a code for the console: this token is the console's own. Use lever console with a token of yours.",
    );
  }
  for (const record of tokens.index.records) {
    const isOver = record.expiresAt !== undefined && record.expiresAt <= now;
    if (isOver && isOfConsole(record)) await tokens.revoke(record.id, { isForced: false });
  }
  const { token } = await createLike(tokens, creator, {
    note: CODE + creator.id,
    endsAt: now + CODE_LIFE_MS,
    now,
  });
  return token;
}

/** Trades a code, which is the caller's token, for a session. @throws LeverError `unauthorized`, `forbidden`, `not_found` */
export async function openConsoleSession(
  tokens: TokenRegistry,
  principal: PrincipalId,
  now: number,
): Promise<CreatedToken> {
  const code = tokens.index.tokenOf(principal);
  const creator = code?.note.startsWith(CODE) ? code.note.slice(CODE.length) : undefined;
  if (code === undefined || creator === undefined) {
    throw new LeverError(
      "forbidden",
      "Cannot open a session of the console: the token of this call is no code of lever console.",
    );
  }
  // First, so that a code opens one session only.
  await tokens.revoke(code.id, { isForced: false });
  const { expiresAt } = tokens.index.find(creator) ?? { expiresAt: 0 };
  const endsAt = Math.min(now + SESSION_LIFE_MS, expiresAt ?? Number.POSITIVE_INFINITY);
  if (endsAt <= now)
    throw new LeverError("unauthorized", "Cannot open a session: its token has ended.");
  return await createLike(tokens, code, { note: SESSION + creator, endsAt, now });
}

async function createLike(
  tokens: TokenRegistry,
  { environments, rights, expiresAt = Number.POSITIVE_INFINITY }: TokenRecord,
  { note, endsAt, now }: { readonly note: string; readonly endsAt: number; readonly now: number },
): Promise<CreatedToken> {
  const isCode = note.startsWith(CODE);
  const end = isCode ? Math.min(endsAt, expiresAt) : endsAt;
  return await tokens.create({ environments, rights, expiresInMs: end - now, note });
}
