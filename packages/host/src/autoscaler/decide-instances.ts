import type { ScalingReason } from "@leveros/protocol";

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
export type RecentNeeds = readonly { readonly at: number; readonly needed: number }[];

export interface ScalingDecision {
  readonly recent: RecentNeeds;
  /** Of the load alone, now. */
  readonly needed: number;
  readonly wanted: number;
  readonly reason: ScalingReason;
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
  const needed = Math.ceil(load / service.maxInstanceLoad);
  const higher = recent.filter((peak) => peak.needed > needed && now - peak.at < scaleDownAfterMs);
  const needs = [...higher, { at: now, needed }];
  const peak = needs[0]?.needed ?? 0;
  const decided = (wanted: number, reason: ScalingReason): ScalingDecision => ({
    recent: needs,
    needed,
    wanted,
    reason,
  });
  const isUsed = load > 0 || service.idleMs < idleTimeoutMs;
  const used = isUsed ? Math.max(peak, 1) : 0;
  if (used < minInstances) return decided(minInstances, "minInstances");
  if (used > maxInstances) return decided(Math.max(maxInstances, minInstances), "maxInstances");
  if (used === 0) return decided(0, "idle");
  if (peak > needed) return decided(used, "recentLoad");
  return decided(used, needed === 0 ? "idleTimeout" : "load");
}
