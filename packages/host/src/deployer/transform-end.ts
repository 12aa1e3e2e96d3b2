import { describeExit, type ProcessExit } from "../processes/process-exit.ts";

/** V8 writes this before it aborts a process whose heap is full. */
const HEAP_IS_FULL = "heap out of memory";

export interface TransformEnd {
  /** The last output of the runtime. */
  readonly output: string;
  /** Why its link was lost before its exit; undefined = it was not, or it closed in order. */
  readonly lost: Error | undefined;
  readonly ramMb: number;
}

/** Why a transform has ended before its result, as the end of a sentence. */
export function describeEnd(exit: ProcessExit, { output, lost, ramMb }: TransformEnd): string {
  if (exit.limit !== undefined || output.includes(HEAP_IS_FULL)) {
    return `it needed more memory than the limit transformRamMb allows, ${ramMb} MB`;
  }
  // A runtime whose link is lost exits with status 0.
  const end =
    exit.status === 0 && lost !== undefined
      ? `lost its link (${lost.message})`
      : describeExit(exit);
  const printed = output.trim();
  return `its runtime ${end}.${printed === "" ? "" : ` Its last output:\n${printed}`}`;
}
