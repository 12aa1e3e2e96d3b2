import type { CreatedToken } from "@leveros/protocol";
import { admin } from "./admin.ts";
import { setToken } from "./session.ts";

/** Trades the code of `lever console` for a token of this tab. @throws LeverError */
export async function openSession(code: string): Promise<void> {
  setToken(code);
  try {
    const session: CreatedToken = await admin("openConsole");
    setToken(session.token);
  } catch (error) {
    setToken(undefined);
    throw error;
  }
}
