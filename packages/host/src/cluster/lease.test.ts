import { describe, expect, it } from "vitest";
import {
  HOST_LEASE_MS,
  type Lease,
  type Moment,
  mayOpen,
  ownersEndAtMs,
  renewLease,
  resourceRight,
  rightChangesInMs,
} from "./lease.ts";

/** A moment of a machine that has slept for some time since it started. */
function at(ms: number, sleptMs = 0): Moment {
  return { bootMs: 50_000 + ms, monotonicMs: ms - sleptMs };
}

const lease: Lease = { incarnation: 3, sentAt: at(0) };

describe("N1, N4: the right to own resources", () => {
  it.each([
    [0, "own"],
    [HOST_LEASE_MS - 3_001, "own"],
    [HOST_LEASE_MS - 3_000, "finish"],
    [HOST_LEASE_MS - 1_501, "finish"],
    [HOST_LEASE_MS - 1_500, "none"],
    [HOST_LEASE_MS + 60_000, "none"],
  ] as const)("%i ms after the renewal was sent, it is %s", (ms, right) => {
    expect(resourceRight(lease, at(ms))).toBe(right);
  });

  it("a host without a lease has none", () => {
    expect(resourceRight(undefined, at(0))).toBe("none");
  });

  it("a machine that has slept has none until its next renewal", () => {
    expect(resourceRight(lease, at(1_000, 249))).toBe("own");
    expect(resourceRight(lease, at(1_000, 250))).toBe("none");
    const renewed = renewLease(lease, { incarnation: 3, sentAt: at(1_100, 250) });
    expect(resourceRight(renewed, at(1_200, 250))).toBe("own");
  });

  it.each([
    [0, 7_000],
    [6_999.5, 1],
    [7_000, 1_500],
    [8_500, undefined],
  ])("at %f ms, it changes in %s ms", (ms, changesInMs) => {
    expect(rightChangesInMs(lease, at(ms))).toBe(changesInMs);
    expect(rightChangesInMs(undefined, at(ms))).toBeUndefined();
  });

  it("owners end 1.5 s before the lease, by boot time", () => {
    expect(ownersEndAtMs(lease)).toBe(50_000 + 8_500);
  });
});

describe("N1: a renewal", () => {
  it("counts from the moment when it was sent", () => {
    expect(renewLease(lease, { incarnation: 3, sentAt: at(900) }).sentAt).toEqual(at(900));
  });

  it("that was sent earlier does not shorten the lease", () => {
    const later = renewLease(lease, { incarnation: 3, sentAt: at(900) });
    expect(renewLease(later, lease)).toBe(later);
  });

  it("of an earlier incarnation changes nothing", () => {
    expect(renewLease(lease, { incarnation: 2, sentAt: at(900) })).toBe(lease);
  });
});

describe("the second look at the lease, after a claim", () => {
  it.each([
    ["of this incarnation in time", 3, 100, true],
    ["of an earlier incarnation", 2, 100, false],
    ["whose answer came when the lease was nearly over", 3, 7_500, false],
  ])("a claim %s: %i at %i ms: %s", (_, incarnation, ms, isAllowed) => {
    expect(mayOpen(lease, { incarnation }, at(ms))).toBe(isAllowed);
  });

  it("refuses a claim without a lease", () => {
    expect(mayOpen(undefined, { incarnation: 3 }, at(0))).toBe(false);
  });
});
