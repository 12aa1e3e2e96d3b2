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
    const [before, last] = this.#marks;
    const hasCalls = this.#hasCallsSince(last);
    this.#marks = [last, hasCalls ? this.#markInto(before === last ? undefined : before) : last];
    return hasCalls;
  }

  /** There were calls since the mark before the last one. */
  get hasRecent(): boolean {
    return this.#hasCallsSince(this.#marks[0]);
  }

  /** Adds the calls since the mark before the last one: by outcome, and their durations by bucket. */
  addRecentTo(calls: Float64Array, durations: Float64Array): void {
    const [before] = this.#marks;
    for (let at = 0; at < OUTCOMES; at++) {
      calls[at] = (calls[at] ?? 0) + (((this.calls[at] ?? 0) - (before[at] ?? 0)) >>> 0);
    }
    const { counts } = this.durations;
    for (let at = 0; at < BUCKETS; at++) {
      const count = ((counts[at] ?? 0) - (before[OUTCOMES + at] ?? 0)) >>> 0;
      durations[at] = (durations[at] ?? 0) + count;
    }
  }

  #hasCallsSince(mark: Mark): boolean {
    return this.calls.some((count, outcome) => count >>> 0 !== mark[outcome]);
  }

  /** The counts of now, in the memory of a mark that is not needed any more. */
  #markInto(old: Mark | undefined): Mark {
    const mark = old === undefined || old === NO_CALLS ? new Uint32Array(OUTCOMES + BUCKETS) : old;
    // A larger number is stored modulo 2³².
    mark.set(this.calls);
    mark.set(this.durations.counts, OUTCOMES);
    return mark;
  }
}
