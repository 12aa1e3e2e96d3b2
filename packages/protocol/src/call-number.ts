/** A process can number this many calls. */
const CALLS_PER_RUN: number = 2 ** 37;
const RUN_DIGITS = 3;
/** Runs of processes that number calls: those with this many digits in base 36. */
export const CALL_RUNS_MAX: number = 36 ** RUN_DIGITS;

/**
 * The number before the first call of a run. The number of each call is one higher than that of the call before. It is
 * an integer below 2^53.
 */
export function callNumbersOf(run: number): number {
  return run * CALLS_PER_RUN;
}

/** The id of a call by its number, such as `k7q-1z4x8`: the run of the process that numbered it, and its place in that. */
export function formatCallId(number: number): string {
  const run = Math.floor(number / CALLS_PER_RUN);
  return `${run.toString(36).padStart(RUN_DIGITS, "0")}-${(number % CALLS_PER_RUN).toString(36)}`;
}

/** The number of a call by its id; undefined = it is none. */
export function parseCallId(id: string): number | undefined {
  const [, run = "", place = ""] = /^([0-9a-z]{3})-([0-9a-z]{1,8})$/.exec(id) ?? [];
  if (run === "") return undefined;
  const number = callNumbersOf(Number.parseInt(run, 36)) + Number.parseInt(place, 36);
  return formatCallId(number) === id ? number : undefined;
}
