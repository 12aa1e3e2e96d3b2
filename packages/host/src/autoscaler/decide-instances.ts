/** What the decision looks at, for one service. */
export interface ServiceLoad {
  readonly callsInFlight: number;
  readonly callsWaiting: number;
  /** Since the last call ended or was taken. */
  readonly idleMs: number;
  readonly minInstances: number;
}

/**
 * How many instances a service should have: one while calls are there or have been lately, none when it idles, and
 * never fewer than its `minInstances`.
 */
export function decideInstances(load: ServiceLoad, options: { idleTimeoutMs: number }): number {
  const isUsed = load.callsInFlight + load.callsWaiting > 0 || load.idleMs < options.idleTimeoutMs;
  return Math.max(load.minInstances, isUsed ? 1 : 0);
}
