/** The end of a call, as its caller sees it. */
export interface CallEnd {
  /** 0 = the connection broke, or the caller gave up. */
  readonly status: number;
  readonly text: string;
  /** The value of `lever-error`. */
  readonly failed: string | undefined;
  readonly hasGivenUp: boolean;
}

/** Ends of calls that nothing explains but a fault of the host that was called: it was dead, stopped or cut off. */
export const BROKEN = "connection broken";
export const GAVE_UP = "no answer";

/** What callers may get besides a reply while hosts, instances and the database fail. */
const EXPECTED: ReadonlySet<string> = new Set([
  "ok",
  BROKEN,
  GAVE_UP,
  "unavailable",
  "resource_unavailable",
  "instance_failed",
  "resource_failed",
  "start_failed",
  "overloaded",
  "deadline_exceeded",
]);

/** `ok`, the code of the error, or why there is none. */
export function outcomeOf({ status, text, failed, hasGivenUp }: CallEnd): string {
  if (hasGivenUp) return GAVE_UP;
  if (status === 0) return BROKEN;
  if (status === 200) return "ok";
  if (failed === "method") return `the method failed: ${text}`;
  return codeOf(text) ?? `${status} ${text}`;
}

export const isExpected = (outcome: string): boolean => EXPECTED.has(outcome);

function codeOf(text: string): string | undefined {
  try {
    const problem: unknown = JSON.parse(text);
    return typeof problem === "object" && problem !== null && "code" in problem
      ? String(problem.code)
      : undefined;
  } catch {
    return undefined;
  }
}
