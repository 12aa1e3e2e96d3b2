import { BUCKETS, Histogram } from "./histogram.ts";
import { MethodTail } from "./method-tail.ts";
import { type Outcome, outcomeNames } from "./outcome.ts";

/** Counts of a meter at a moment, by outcome and then by bucket, each modulo 2³². Differences of them are right. */
type Mark = Uint32Array;

const OUTCOMES = outcomeNames.length;
const NO_CALLS: Mark = new Uint32Array(OUTCOMES + BUCKETS);

/** Counts the calls of one method. */
export class MethodMeter {
  readonly method: string;
  readonly isStream: boolean;
  /** As the text format has them. */
  readonly labels: string;
  /** By outcome. */
  readonly calls: Float64Array = new Float64Array(OUTCOMES);
  /** From the arrival of a call at the router to its end. */
  readonly durations: Histogram = new Histogram();
  readonly tail: MethodTail = new MethodTail();
  #marks: readonly [before: Mark, last: Mark] = [NO_CALLS, NO_CALLS];

  constructor(method: string, options: { readonly isStream: boolean; readonly labels: string }) {
    this.method = method;
    this.isStream = options.isStream;
    this.labels = options.labels;
  }

  count(outcome: Outcome, ms: number): void {
    this.calls[outcome] = (this.calls[outcome] ?? 0) + 1;
    this.durations.observe(ms);
  }

  add({ calls, durations }: MethodMeter): void {
    for (const [outcome, count] of calls.entries()) {
      this.calls[outcome] = (this.calls[outcome] ?? 0) + count;
    }
    this.durations.add(durations);
  }

  /** Ends a part of the window, which has two of them. False = there was no call in it. */
  mark(): boolean {
    const [, last] = this.#marks;
    const hasCalls = this.#hasCallsSince(last);
    this.#marks = [last, hasCalls ? this.#now() : last];
    return hasCalls;
  }

  /** There were calls since the mark before the last one. */
  get hasRecent(): boolean {
    return this.#hasCallsSince(this.#marks[0]);
  }

  /** Calls since the mark before the last one: by outcome, and their durations by bucket. */
  get recent(): { readonly calls: Uint32Array; readonly durations: Uint32Array } {
    const since = this.#since(this.#marks[0]);
    return { calls: since.subarray(0, OUTCOMES), durations: since.subarray(OUTCOMES) };
  }

  #hasCallsSince(mark: Mark): boolean {
    return this.calls.some((count, outcome) => count >>> 0 !== mark[outcome]);
  }

  #now(): Mark {
    const now = new Uint32Array(OUTCOMES + BUCKETS);
    // A larger number is stored modulo 2³².
    now.set(this.calls);
    now.set(this.durations.counts, OUTCOMES);
    return now;
  }

  #since(mark: Mark): Uint32Array {
    return this.#now().map((count, index) => count - (mark[index] ?? 0));
  }
}
