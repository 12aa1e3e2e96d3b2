/**
 * The lease of this host: the right to own resources, which the database gives to one incarnation of it. All functions are
 * pure; the moments come in as arguments.
 *
 * - N1. The lease ends `HOST_LEASE_MS` after this host **sent** the last renewal that was acknowledged, by its boot-time
 *   clock. A machine that has slept since then has no lease until the next renewal.
 * - N4. `CLOSING_BEFORE_END_MS` before the end, the host takes no calls of resources and makes no claims.
 *   `OWNERS_END_BEFORE_MS` before the end, every instance that owns resources is killed: by the host, by the keeper and by
 *   the timer of the instance itself.
 */

/** Longest time for which resources of a dead host have no owner, but for the margins. */
export const HOST_LEASE_MS = 10_000;
/** A lease survives some renewals that are lost. */
export const RENEW_EVERY_MS = 1_000;
/** Calls that the host has already taken have this time, less `OWNERS_END_BEFORE_MS`, to finish. */
export const CLOSING_BEFORE_END_MS = 3_000;
/** A kill takes effect within it, on a busy machine too. */
const OWNERS_END_BEFORE_MS = 1_500;
/** The two clocks are not read at the same time, and `/proc/uptime` has steps of 10 ms. */
const SLEEP_MS_MIN = 250;

/** One moment by both clocks of a machine, in milliseconds. */
export interface Moment {
  /** Goes on while the machine sleeps (`CLOCK_BOOTTIME`). */
  readonly bootMs: number;
  /** Stands still while the machine sleeps (`CLOCK_MONOTONIC`). Timers run by it. */
  readonly monotonicMs: number;
}

export interface Lease {
  readonly incarnation: number;
  /** When the last acknowledged renewal was sent. */
  readonly sentAt: Moment;
}

/** How far a host may use resources, by its lease. */
export type ResourceRight =
  /** It takes calls of resources, and claims. */
  | "own"
  /** It does neither. Calls that its instances have may finish. */
  | "finish"
  /** No instance may own a resource: those that do are killed. */
  | "none";

/** N1. The lease after an acknowledged renewal. Answers may arrive in another order than the renewals were sent. */
export function renewLease(lease: Lease | undefined, renewal: Lease): Lease {
  if (lease === undefined || lease.incarnation < renewal.incarnation) return renewal;
  const isNewer =
    lease.incarnation === renewal.incarnation && lease.sentAt.bootMs < renewal.sentAt.bootMs;
  return isNewer ? renewal : lease;
}

/** N1, N4. undefined = the host has no lease. */
export function resourceRight(lease: Lease | undefined, now: Moment): ResourceRight {
  if (lease === undefined || hasSlept(lease.sentAt, now)) return "none";
  const leftMs = lease.sentAt.bootMs + HOST_LEASE_MS - now.bootMs;
  if (leftMs <= OWNERS_END_BEFORE_MS) return "none";
  return leftMs <= CLOSING_BEFORE_END_MS ? "finish" : "own";
}

/** N4. Boot time at which the keeper and the instances themselves end owners of resources, unless the lease is renewed. */
export function ownersEndAtMs({ sentAt }: Lease): number {
  return sentAt.bootMs + HOST_LEASE_MS - OWNERS_END_BEFORE_MS;
}

/** Time until the right changes by itself, in whole milliseconds. undefined = only a renewal changes it. */
export function rightChangesInMs(lease: Lease | undefined, now: Moment): number | undefined {
  if (lease === undefined) return undefined;
  const endsInMs = Math.ceil(ownersEndAtMs(lease) - now.bootMs);
  switch (resourceRight(lease, now)) {
    case "own":
      return endsInMs - (CLOSING_BEFORE_END_MS - OWNERS_END_BEFORE_MS);
    case "finish":
      return endsInMs;
    case "none":
      return undefined;
  }
}

/**
 * The second look at the lease, after a claim: its answer may come so late that another host owns the resource meanwhile.
 * True = the resource may be opened.
 */
export function mayOpen(
  lease: Lease | undefined,
  claim: { readonly incarnation: number },
  now: Moment,
): boolean {
  return lease?.incarnation === claim.incarnation && resourceRight(lease, now) === "own";
}

function hasSlept(since: Moment, now: Moment): boolean {
  const sleptMs = now.bootMs - since.bootMs - (now.monotonicMs - since.monotonicMs);
  return Math.abs(sleptMs) >= SLEEP_MS_MIN;
}
