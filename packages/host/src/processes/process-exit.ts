/** How a process ended. */
export interface ProcessExit {
  /** undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
  /** The limit that ended it, as the predicate of a sentence. */
  readonly limit?: string;
}

/** As the predicate of a sentence: "exited with status 1". */
export function describeExit({ status, signal, limit }: ProcessExit): string {
  if (limit !== undefined) return limit;
  return signal === undefined ? `exited with status ${status}` : `was ended by ${signal}`;
}
