import { setTimeout as delay } from "node:timers/promises";
import type { Answer } from "../tests/harness/load.ts";

export interface OpenLoop {
  /** From the moment when a call was due to its answer, in milliseconds, of each call. */
  readonly latenciesMs: readonly number[];
  readonly failed: number;
}

/**
 * Calls so many times a second, whether or not earlier calls have been answered. A call that could only be sent late
 * counts from when it was due: a pause of whatever is called delays many calls, and all of them show it.
 */
export async function callAtRate(
  perSecond: number,
  seconds: number,
  call: () => Promise<Answer>,
): Promise<OpenLoop> {
  const latenciesMs: number[] = [];
  let failed = 0;
  const underWay: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let i = 0; i < perSecond * seconds; i++) {
    const dueAt = startedAt + (i * 1_000) / perSecond;
    const early = dueAt - performance.now();
    if (early > 0) await delay(early);
    underWay.push(
      call().then(({ status }) => {
        latenciesMs.push(performance.now() - dueAt);
        if (status !== 200) failed++;
      }),
    );
  }
  await Promise.all(underWay);
  return { latenciesMs, failed };
}
