import { AssertionError } from "node:assert";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { inspect } from "node:util";

interface WaitOptions {
  /** Time between two runs. Default: 5. 0 = one turn of the event loop. */
  readonly everyMs?: number;
  /** Default: 50 s, less than a test may take. */
  readonly timeoutMs?: number;
}

/**
 * Waits for a state that no event announces. Runs `check` again until it returns something else than false or undefined,
 * and returns that. A failed `expect` in it counts as false; every other error ends the wait.
 * @throws Error with the last result, after a time-out.
 */
export async function eventually<Result>(
  check: () => Result | Promise<Result>,
  { everyMs = 5, timeoutMs = 50_000 }: WaitOptions = {},
): Promise<Exclude<Result, false | undefined>> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    let last: unknown;
    try {
      const result = await check();
      if (result !== false && result !== undefined) {
        return result as Exclude<Result, false | undefined>;
      }
      last = new Error(`Cannot wait any longer: the check returned ${inspect(result)}.`);
    } catch (error) {
      if (!isAssertion(error)) throw error;
      last = error;
    }
    if (performance.now() > giveUpAt) throw last;
    if (everyMs === 0) await nextTurn();
    else await delay(everyMs);
  }
}

const isAssertion = (error: unknown): boolean =>
  error instanceof AssertionError || (error instanceof Error && error.name === "AssertionError");
