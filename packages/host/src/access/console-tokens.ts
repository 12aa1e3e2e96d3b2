import type { TokenRecord } from "../store/store.ts";

/** Begin the notes of tokens of the console; the id of the token that they stem from follows. */
export const CODE = "code for the console, of ";
export const SESSION = "console, of ";

export function isOfConsole({ note }: TokenRecord): boolean {
  return note.startsWith(CODE) || note.startsWith(SESSION);
}

/** The codes and sessions that stem from a token: they end with it. */
export function consoleTokensOf(
  records: Iterable<TokenRecord>,
  id: string,
): readonly TokenRecord[] {
  return [...records].filter(({ note }) => note === CODE + id || note === SESSION + id);
}
