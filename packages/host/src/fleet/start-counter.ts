import type { InstancesReport, StartTimes } from "@leveros/protocol";

/** Starts whose times the median is taken of. */
const TIMES_MAX = 100;

/** Counts the instances that were started because of calls, and how long their starts took. */
export class StartCounter {
  #count = 0;
  #warm = 0;
  readonly #lastMs: number[] = [];

  add(start: StartTimes): void {
    this.#count++;
    if (start.isWarm) this.#warm++;
    this.#lastMs.push(start.prepareMs + start.launchMs + start.loadMs);
    if (this.#lastMs.length > TIMES_MAX) this.#lastMs.shift();
  }

  get report(): InstancesReport["host"]["starts"] {
    const sorted = this.#lastMs.toSorted((a, b) => a - b);
    const medianMs = sorted[Math.floor(sorted.length / 2)] ?? 0;
    return { count: this.#count, warm: this.#warm, medianMs };
  }
}
