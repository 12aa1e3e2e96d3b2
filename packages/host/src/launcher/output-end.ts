import type { ChildProcess } from "node:child_process";
import type { Clock } from "../clock.ts";

/** How long Lever waits for the last output of an exited process. */
const OUTPUT_GRACE_MS = 200;

/**
 * Returns a function to call when the process has exited. It resolves when the last output has been read from the pipes,
 * at most 200 ms later: a process that has left the group may keep the pipes open. Call this before the process can exit.
 */
export function watchOutputEnd(child: ChildProcess, clock: Clock): () => Promise<void> {
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return async () => {
    const expired = Promise.withResolvers<void>();
    const timer = clock.setTimeout(expired.resolve, OUTPUT_GRACE_MS);
    await Promise.race([closed, expired.promise]);
    clock.clearTimeout(timer);
  };
}
