/**
 * Membership of hosts in the cluster: when another host's lease is over, and the next step of this host. All functions are
 * pure; the moments come in as arguments.
 *
 * - N2. The lease of another host is over when, for `TAKE_OVER_AFTER_MS`, it was not renewed by the database's clock, **and**
 *   this host has seen the same renewal by its own clock while its own renewals were acknowledged. The database's clock
 *   alone would not do: after a fail-over it may be ahead.
 * - N3. Only a host that is fenced loses its resources. Fencing names the incarnation and the renewal that were seen, so a
 *   renewal in between wins. A fenced incarnation stays fenced.
 * - N5. A new incarnation is announced only when everything of the old one is dead.
 * - N6. A host that has left, or has announced a new incarnation, has freed the resources of the old one at once.
 */
import { CLOSING_BEFORE_END_MS, HOST_LEASE_MS, type Moment, RENEW_EVERY_MS } from "./lease.ts";

/** Clocks may be 1 % fast or slow, and the rest is for what is late on the way. */
export const TAKE_OVER_AFTER_MS: number = HOST_LEASE_MS * 1.02 + 1_000;
/** Steps of the machine's boot time, as it is read. */
const BOOT_TIME_STEP_MS = 10;
/** A renewal in time is followed by the next one within this time, else one was missed. */
const RENEWAL_GAP_MS_MAX = 2.5 * RENEW_EVERY_MS;

/** A host as the database has it. */
export interface HostRow {
  readonly id: string;
  /** Grows with each start. */
  readonly incarnation: number;
  readonly state: "active" | "fenced" | "left";
  /** Grows by one with each renewal. */
  readonly renewal: number;
  /** Age of the renewal by the database's clock. */
  readonly renewedAgoMs: number;
}

/** An acknowledged renewal of this host. */
export interface RenewalAnswer {
  readonly sentAt: Moment;
  readonly receivedAt: Moment;
  /** Names the connection and the timeline of the database: when one of them changes, the observation begins again. */
  readonly session: string;
  readonly hosts: readonly HostRow[];
}

/** The renewals of other hosts that this one has seen since its own renewals were acknowledged without a gap. */
export interface Observation {
  readonly session: string;
  readonly lastSentAtMs: number;
  readonly seen: ReadonlyMap<string, SeenRenewal>;
}

interface SeenRenewal {
  readonly incarnation: number;
  readonly renewal: number;
  /** Boot time of this host at which it saw it first. */
  readonly sinceMs: number;
}

/**
 * The observation after an acknowledged renewal. `before` is undefined at the start, and after a renewal that was not
 * acknowledged.
 */
export function observeHosts(
  before: Observation | undefined,
  { sentAt, receivedAt, session, hosts }: RenewalAnswer,
): Observation {
  const isContinued =
    before?.session === session && sentAt.bootMs - before.lastSentAtMs <= RENEWAL_GAP_MS_MAX;
  const seen = new Map<string, SeenRenewal>();
  for (const { id, incarnation, renewal, state } of hosts) {
    if (state !== "active") continue;
    const earlier = isContinued ? before.seen.get(id) : undefined;
    const isSame = earlier?.incarnation === incarnation && earlier.renewal === renewal;
    const sinceMs = isSame ? earlier.sinceMs : receivedAt.bootMs;
    seen.set(id, { incarnation, renewal, sinceMs });
  }
  return { session, lastSentAtMs: sentAt.bootMs, seen };
}

/** N2. The hosts that may be fenced, by the observation after this answer. */
export function hostsToFence<Row extends HostRow>(
  { seen }: Observation,
  { sentAt, hosts }: { readonly sentAt: Moment; readonly hosts: readonly Row[] },
  self: string,
): readonly Row[] {
  return hosts.filter(({ id, state, renewedAgoMs }) => {
    if (id === self || state !== "active" || renewedAgoMs <= TAKE_OVER_AFTER_MS) return false;
    const { sinceMs = Number.POSITIVE_INFINITY } = seen.get(id) ?? {};
    return sentAt.bootMs - sinceMs > TAKE_OVER_AFTER_MS;
  });
}

/** N2. Time until the first of the other hosts may be fenced, unless it renews. Infinity = that is due, or there is none. */
export function fenceDueInMs(
  observation: Observation | undefined,
  { now, self }: { readonly now: Moment; readonly self: string },
): number {
  const others = [...(observation?.seen ?? [])].filter(([id]) => id !== self);
  const leftMs = others.map(([, { sinceMs }]) => sinceMs + TAKE_OVER_AFTER_MS - now.bootMs);
  return BOOT_TIME_STEP_MS + Math.min(...leftMs.filter((ms) => ms >= 0));
}

/** As far as another host can see, this one may own resources: it renews its lease. */
export function renewsLease({ state, renewedAgoMs }: HostRow): boolean {
  return state === "active" && renewedAgoMs < HOST_LEASE_MS - CLOSING_BEFORE_END_MS;
}

export type MembershipStep =
  /** N5. Kill everything of the old incarnation. */
  | "kill owners"
  /** Announce a new incarnation. */
  | "join"
  | "renew"
  /** Renew, and give back all resources. */
  | "release"
  /** N6. Set this host's state to left. */
  | "leave"
  | "stay away";

/** The next step of this host. It is decided again with each renewal, and when the last owner has ended. */
export function decideMembership(host: {
  /** The database has acknowledged this incarnation, and has not ended it. */
  readonly isMember: boolean;
  /** The host drains, to stay away from the cluster. */
  readonly isLeaving: boolean;
  /** Processes that own resources, or are left of an earlier incarnation. */
  readonly owners: number;
}): MembershipStep {
  const { isMember, isLeaving, owners } = host;
  if (isMember) {
    if (!isLeaving) return "renew";
    return owners > 0 ? "release" : "leave";
  }
  if (owners > 0) return "kill owners";
  return isLeaving ? "stay away" : "join";
}
