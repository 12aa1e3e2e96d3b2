import { randomBytes, randomInt } from "node:crypto";
import { CALL_RUNS_MAX, callNumbersOf, TraceIds } from "@leveros/protocol";

/** The first digit of a run is a letter, so that no id looks like a number. */
const RUNS_MIN: number = 10 * 36 ** 2;

let run: number = randomInt(RUNS_MIN, CALL_RUNS_MAX);
let last: number = callNumbersOf(run);

/** The first half of the ids of traces that begin at this host. */
export const tracePrefix: string = randomBytes(8).toString("hex");
export const traceIds: TraceIds = new TraceIds(tracePrefix);

/** The number of the next call that this process takes. */
export function nextCallNumber(): number {
  last++;
  return last;
}

/**
 * Whether the trace of a call with this number is kept, as that of one call in so many. Its place in its run decides: the
 * remainder of a whole number of 32 bits costs little.
 */
export function isSampledNumber(number: number, each: number): boolean {
  return each > 0 && (number >>> 0) % each === 0;
}

/** A run for another process of this host: a different one each time. */
export function nextCallRun(): number {
  run = run + 1 < CALL_RUNS_MAX ? run + 1 : RUNS_MIN;
  return run;
}

/** From now on, this process numbers calls as this run. */
export function setCallRun(given: number): void {
  run = given;
  last = callNumbersOf(run);
}
