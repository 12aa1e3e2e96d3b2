/** What a service needs now. */
export interface ServiceLoad {
  /** Calls and open streams: in flight, and waiting for an instance. */
  readonly load: number;
  /** Since the last call ended or was taken. */
  readonly idleMs: number;
  /** Calls and open streams that one instance should carry. */
  readonly maxInstanceLoad: number;
  readonly minInstances: number;
  readonly maxInstances: number;
}

/**
 * The needs of the last while that still matter: each lower than the one before it, the first one the highest. An
 * earlier need that is not higher than a later one can never again be the highest.
 */
export type RecentNeeds = readonly { readonly at: number; readonly need: number }[];

export interface ScalingDecision {
  readonly recent: RecentNeeds;
  readonly wanted: number;
}

/**
 * How many instances a service should have: as many as its load needs, at once; as few only after it has needed no
 * more for `scaleDownAfterMs`; one for as long as it has been used within `idleTimeoutMs`, then none. Never fewer than
 * its `minInstances`, never more than its `maxInstances`.
 */
export function decideInstances(
  recent: RecentNeeds,
  service: ServiceLoad,
  options: { now: number; scaleDownAfterMs: number; idleTimeoutMs: number },
): ScalingDecision {
  const { now, scaleDownAfterMs, idleTimeoutMs } = options;
  const { load, minInstances, maxInstances } = service;
  const need = Math.ceil(load / service.maxInstanceLoad);
  const higher = recent.filter((peak) => peak.need > need && now - peak.at < scaleDownAfterMs);
  const needs = [...higher, { at: now, need }];
  const peak = needs[0]?.need ?? 0;
  const isUsed = load > 0 || service.idleMs < idleTimeoutMs;
  const wanted = isUsed ? Math.min(Math.max(peak, 1), maxInstances) : 0;
  return { recent: needs, wanted: Math.max(wanted, minInstances) };
}
