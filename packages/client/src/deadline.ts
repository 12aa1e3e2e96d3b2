import { LeverError } from "@leveros/protocol";

/** The host enforces the deadline, and its error says where the time went. The client waits this much longer for it. */
export const DEADLINE_GRACE_MS = 1_000;

/** The error of a call whose deadline the host did not enforce. */
export function deadlineExceeded(timeoutMs: number): LeverError {
  return new LeverError(
    "deadline_exceeded",
    `Cannot finish the call: no reply arrived within its ${timeoutMs} ms.`,
  );
}
