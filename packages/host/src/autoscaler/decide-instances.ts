import type { ScalingReason } from "@leveros/protocol";

/** The load of a service now, and its rules. */
export interface ServiceLoad {
  /** Calls and open streams, in flight or waiting for an instance. */
  readonly load: number;
  /** Time since the last call ended or was assigned. */
  readonly idleMs: number;
  /** Calls and open streams that one instance should carry. */
  readonly maxInstanceLoad: number;
  readonly minInstances: number;
  readonly maxInstances: number;
}

/**
 * Recent needs that can still decide, each lower than the one before it. An earlier need that is not higher than a later
 * one can never again be the highest, so it is dropped.
 */
export type RecentNeeds = readonly { readonly at: number; readonly needed: number }[];

export interface ScalingDecision {
  readonly recent: RecentNeeds;
  /** Instances that the load alone needs now. */
  readonly needed: number;
  readonly wanted: number;
  readonly reason: ScalingReason;
}

/**
 * How many instances a service should have. A higher load takes effect at once, a lower one after `scaleDownAfterMs`. A
 * service without load keeps one instance until it has been idle for `idleTimeoutMs`, then none. Never fewer than
 * `minInstances`, never more than `maxInstances`.
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
