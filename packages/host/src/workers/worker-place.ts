import { Counts } from "../metrics/counts.ts";
import type { GatewayCounts } from "../metrics/gateway-meter.ts";

/** A worker as far as its counts go. */
interface CountingWorker {
  /** The last counts that it has sent; undefined = none yet. */
  readonly counts: GatewayCounts | undefined;
}

/**
 * One of the workers of a host, and those that have replaced it: their counts are continued, so none of them ever goes back.
 * Calls that a worker counts after it has sent its counts are lost when it ends.
 */
export class WorkerPlace {
  readonly #pastRequests = new Counts();
  readonly #pastRefusals = new Counts();
  #worker: CountingWorker | undefined;

  /** The worker before has ended. */
  take(worker: CountingWorker): void {
    const { requests = [], refusals = [] } = this.#worker?.counts ?? {};
    this.#pastRequests.addAll(requests);
    this.#pastRefusals.addAll(refusals);
    this.#worker = worker;
  }

  get counts(): GatewayCounts {
    const {
      connections,
      bodyBytes,
      requests,
      refusals,
      busyRatio = 0,
    } = this.#worker?.counts ?? NONE;
    return {
      connections,
      bodyBytes,
      busyRatio,
      requests: sum(this.#pastRequests, requests),
      refusals: sum(this.#pastRefusals, refusals),
    };
  }
}

const NONE: GatewayCounts = {
  connections: 0,
  bodyBytes: 0,
  requests: [],
  refusals: [],
};

function sum(past: Counts, now: GatewayCounts["requests"]): GatewayCounts["requests"] {
  const total = new Counts();
  total.addAll(past);
  total.addAll(now);
  return [...total];
}
