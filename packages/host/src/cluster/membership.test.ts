import { describe, expect, it } from "vitest";
import type { Moment } from "./lease.ts";
import {
  decideMembership,
  fenceDueInMs,
  type HostRow,
  hostsToFence,
  type Observation,
  observeHosts,
} from "./membership.ts";

function at(ms: number): Moment {
  return { bootMs: ms, monotonicMs: ms };
}

const other: HostRow = { id: "b", incarnation: 4, state: "active", renewal: 9, renewedAgoMs: 0 };

interface Renewals {
  readonly seconds: readonly number[];
  /** The other host's row at a second. */
  readonly row?: (second: number) => Partial<HostRow>;
  readonly session?: (second: number) => string;
  readonly missed?: readonly number[];
}

/** The hosts that may be fenced after own renewals at these seconds. The other host has renewed only before the first. */
function fenced({ seconds, row = () => ({}), session = () => "1", missed = [] }: Renewals) {
  let observation: Observation | undefined;
  let found: readonly HostRow[] = [];
  for (const second of seconds) {
    if (missed.includes(second)) {
      observation = undefined;
      continue;
    }
    const sentAt = at(second * 1_000);
    const receivedAt = at(second * 1_000 + 3);
    const hosts = [{ ...other, renewedAgoMs: second * 1_000, ...row(second) }];
    const answer = { sentAt, receivedAt, session: session(second), hosts };
    observation = observeHosts(observation, answer);
    found = hostsToFence(observation, answer, "a");
  }
  return found.map(({ id }) => id);
}

function upTo(second: number): number[] {
  return Array.from({ length: second + 1 }, (_, i) => i);
}

describe("N2: another host's lease is over", () => {
  it("when it was not renewed for 11.2 s by both clocks", () => {
    expect(fenced({ seconds: upTo(11) })).toEqual([]);
    expect(fenced({ seconds: upTo(12) })).toEqual(["b"]);
  });

  it.each<[string, Renewals]>([
    ["has renewed meanwhile", { seconds: upTo(12), row: (n) => ({ renewal: n < 5 ? 9 : 10 }) }],
    ["has started again", { seconds: upTo(12), row: (n) => ({ incarnation: n < 5 ? 4 : 5 }) }],
    ["is fenced already", { seconds: upTo(12), row: () => ({ state: "fenced" }) }],
    ["has left", { seconds: upTo(12), row: () => ({ state: "left" }) }],
    ["is this one", { seconds: upTo(12), row: () => ({ id: "a" }) }],
  ])("but not when the host %s", (_, renewals) => {
    expect(fenced(renewals)).toEqual([]);
  });

  it("but not by the database's clock alone, which may be ahead", () => {
    expect(fenced({ seconds: upTo(5), row: () => ({ renewedAgoMs: 60_000 }) })).toEqual([]);
  });

  it("but not by this host's clock alone", () => {
    expect(fenced({ seconds: upTo(20), row: () => ({ renewedAgoMs: 11_200 }) })).toEqual([]);
  });

  it.each<[string, Renewals]>([
    ["an own renewal was missed", { seconds: upTo(16), missed: [5] }],
    ["own renewals had a gap", { seconds: [...upTo(4), ...upTo(16).slice(7)] }],
    ["the session changed", { seconds: upTo(16), session: (n) => (n < 5 ? "1" : "2") }],
  ])("and is observed from the beginning again when %s", (_, renewals) => {
    expect(fenced(renewals)).toEqual([]);
    const { seconds } = renewals;
    expect(fenced({ ...renewals, seconds: [...seconds, 17, 18, 19] })).toEqual(["b"]);
  });
});

it("N2: a host looks again at the moment when another's lease is over", () => {
  const answer = { sentAt: at(0), receivedAt: at(3), session: "1", hosts: [other] };
  const observation = observeHosts(undefined, answer);
  const dueInMs = (ms: number, self = "a"): number =>
    fenceDueInMs(observation, { now: at(ms), self });
  expect(dueInMs(1_003)).toBe(10_210);
  expect(dueInMs(11_203)).toBe(10);
  // The database's clock, or its answer, is against it.
  expect(dueInMs(11_204)).toBe(Number.POSITIVE_INFINITY);
  expect(dueInMs(1_003, "b")).toBe(Number.POSITIVE_INFINITY);
  expect(fenceDueInMs(undefined, { now: at(0), self: "a" })).toBe(Number.POSITIVE_INFINITY);
});

describe("the next step of a host", () => {
  it.each([
    ["N5: announces itself when nothing of its old incarnation lives", false, false, 0, "join"],
    ["N5: first kills what is left of its old incarnation", false, false, 1, "kill owners"],
    ["renews its lease", true, false, 2, "renew"],
    ["N6: gives back its resources before it leaves", true, true, 1, "release"],
    ["N6: leaves when it has no resources", true, true, 0, "leave"],
    ["stays away while it drains", false, true, 0, "stay away"],
    ["kills what is left also while it drains", false, true, 1, "kill owners"],
  ] as const)("%s", (_, isMember, isLeaving, owners, step) => {
    expect(decideMembership({ isMember, isLeaving, owners })).toBe(step);
  });
});
