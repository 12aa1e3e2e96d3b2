import { LeverError } from "@leveros/protocol";

/** The host keeps the deadline and says where the time went; the client waits this much longer to hear it. */
export const DEADLINE_GRACE_MS = 1_000;

/** What a caller hears of a call whose deadline nobody else has kept. */
export function tooLate(timeoutMs: number): LeverError {
  return new LeverError(
    "deadline_exceeded",
    `Cannot finish the call: there was no answer within its ${timeoutMs} ms.`,
  );
}
