import type { ScalingRecord } from "@leveros/protocol";

const RECORDS_MAX = 20;

/** The autoscaler's decisions about one service, for `lever explain`. A value, so that services at zero share one. */
export interface ScalingHistory {
  /** The newest decision; undefined = none yet. */
  readonly last: ScalingRecord | undefined;
  /** Decisions that differ from the one before, newest last. */
  readonly records: readonly ScalingRecord[];
}

export const NO_HISTORY: ScalingHistory = { last: undefined, records: [] };

/** Adds a decision. It is recorded if it differs from the last recorded one; a service always at zero has no records. */
export function addDecision(history: ScalingHistory, last: ScalingRecord): ScalingHistory {
  const { records } = history;
  const recorded = records.at(-1);
  const isNew =
    recorded?.wanted !== last.wanted ||
    recorded.reason !== last.reason ||
    recorded.running !== last.running ||
    recorded.blockedBy !== last.blockedBy ||
    recorded.unresponsive !== last.unresponsive;
  if (!isNew || (recorded === undefined && last.wanted === 0)) return { last, records };
  return { last, records: [...records.slice(1 - RECORDS_MAX), last] };
}

/** The newest decision; all zeros when the host is closing and has decided nothing. */
export function latestDecision({ last }: ScalingHistory, at: string): ScalingRecord {
  return last ?? { ...NOTHING_DECIDED, at };
}

const NOTHING_DECIDED: Omit<ScalingRecord, "at"> = {
  callsInFlight: 0,
  callsWaiting: 0,
  needed: 0,
  wanted: 0,
  reason: "idle",
  running: 0,
  unresponsive: 0,
  draining: 0,
  blockedBy: null,
};
