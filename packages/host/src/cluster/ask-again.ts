import { LeverError } from "@leveros/protocol";
import { type Clock, delay } from "../clock.ts";
import { DatabaseTimeout } from "./postgres-error.ts";

const ATTEMPTS_MAX = 5;
const PAUSE_MS = 1_000;

/** Work of a host that starts. A database that is slow to answer is asked again: without it, the host would not start. */
export async function askAgain<Result>(clock: Clock, work: () => Promise<Result>): Promise<Result> {
  for (let left = ATTEMPTS_MAX - 1; ; left--) {
    try {
      return await work();
    } catch (error) {
      const cause = error instanceof LeverError ? error.cause : error;
      if (!(cause instanceof DatabaseTimeout) || left === 0) throw error;
      await delay(clock, PAUSE_MS);
    }
  }
}
