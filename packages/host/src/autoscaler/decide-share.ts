import type { RecentNeeds, ScalingDecision } from "./decide-instances.ts";

/** A service on one of several hosts: its load there, and its part of what its home host has decided. */
export interface ServiceShare {
  /** Instances that the home host wants here; undefined = it has told nothing yet. */
  readonly told: number | undefined;
  /** Instances on other hosts. */
  readonly others: number;
}

export interface SharedLoad {
  /** Calls on the instances here, and calls that no instance of any host takes at the moment. */
  readonly callsInFlight: number;
  readonly callsWaiting: number;
  /** Instances here. */
  readonly running: number;
  readonly maxInstanceLoad: number;
  /** Over all hosts. */
  readonly maxInstances: number;
}

/** The most instances that one host may have: those that the other hosts have count, too. */
export function sharedMax({ told = 0, others }: ServiceShare, maxInstances: number): number {
  return Math.max(told, maxInstances - others);
}

/**
 * How many instances a service should have on this host: as many as its home host wants, and at once as many more as calls need
 * that find no room. These end `scaleDownAfterMs` later, unless the home host wants them, too.
 */
export function decideShare(
  recent: RecentNeeds,
  service: SharedLoad,
  {
    share,
    now,
    scaleDownAfterMs,
  }: {
    readonly share: ServiceShare;
    readonly now: number;
    readonly scaleDownAfterMs: number;
  },
): ScalingDecision {
  const { callsInFlight, callsWaiting, running, maxInstanceLoad, maxInstances } = service;
  const { told = running } = share;
  const needed =
    callsWaiting === 0 ? 0 : Math.ceil((callsInFlight + callsWaiting) / maxInstanceLoad);
  const higher = recent.filter((peak) => peak.needed > needed && now - peak.at < scaleDownAfterMs);
  const needs = [...higher, { at: now, needed }];
  const peak = needs[0]?.needed ?? 0;
  const most = sharedMax(share, maxInstances);
  const decided = (wanted: number, reason: ScalingDecision["reason"]): ScalingDecision => ({
    recent: needs,
    needed,
    wanted,
    reason,
  });
  if (peak <= told) return decided(told, "told");
  if (peak > most) return decided(most, "maxInstances");
  return decided(peak, peak > needed ? "recentLoad" : "load");
}
