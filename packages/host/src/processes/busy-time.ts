import { performance } from "node:perf_hooks";

/** Measures the share of time for which the event loop of this thread is busy. */
export class BusyTime {
  #last = performance.eventLoopUtilization();

  /** The share since the last call, or since the start. */
  next(): number {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#last);
    this.#last = now;
    return utilization;
  }
}
