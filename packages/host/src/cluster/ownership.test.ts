import { describe, expect, it } from "vitest";
import type { Lease, Moment } from "./lease.ts";
import type { HostRow } from "./membership.ts";
import {
  afterClaim,
  afterHostsSeen,
  type CallDecision,
  type ClaimAnswer,
  decideCall,
  type HostChoice,
  type Ownership,
  type ResourceCall,
  rowsToRelease,
} from "./ownership.ts";

const unknown: Ownership = { kind: "unknown" };
const elsewhere: Ownership = { kind: "elsewhere", host: "b", incarnation: 2 };
const claiming: Ownership = { kind: "claiming", incarnation: 3 };
const owned: Ownership = { kind: "owned", incarnation: 3, epoch: 7 };
const releasing: Ownership = { kind: "releasing", incarnation: 3, epoch: 7 };

const first: ResourceCall = { mark: "first", redirects: 0, hasWaited: false };
const atOwner: ResourceCall = { ...first, mark: "at owner" };
const mayPlace: ResourceCall = { ...first, mark: "may place" };

const here: HostChoice = { self: "a", right: "own", isDraining: false, chosen: "a" };

describe("a call of a resource", () => {
  it.each<[string, Ownership, ResourceCall, Partial<HostChoice>, CallDecision]>([
    ["goes to the instance here", owned, first, {}, { kind: "serve" }],
    ["from another host goes to the instance here", owned, atOwner, {}, { kind: "serve" }],
    [
      "is refused when the lease is nearly over",
      owned,
      first,
      { right: "finish" },
      { kind: "refuse" },
    ],
    ["waits for a claim", claiming, first, {}, { kind: "wait" }],
    ["waits for a release", releasing, mayPlace, {}, { kind: "wait" }],
    [
      "goes to the known owner",
      elsewhere,
      first,
      {},
      { kind: "pass on", to: "b", mark: "at owner" },
    ],
    [
      "goes to the known owner without a lease here",
      elsewhere,
      first,
      { right: "none" },
      { kind: "pass on", to: "b", mark: "at owner" },
    ],
    ["without an owner claims here", unknown, first, {}, { kind: "claim" }],
    [
      "without an owner goes to the chosen host",
      unknown,
      first,
      { chosen: "c" },
      { kind: "pass on", to: "c", mark: "may place" },
    ],
    [
      "without an owner is refused when no host can have it",
      unknown,
      first,
      { chosen: undefined },
      { kind: "refuse" },
    ],
    [
      "without an owner is refused without a lease",
      unknown,
      first,
      { right: "finish" },
      { kind: "refuse" },
    ],
    [
      "that another host has placed here claims, whatever was known",
      elsewhere,
      mayPlace,
      {},
      { kind: "claim" },
    ],
    [
      "that another host has placed here goes back after a refused claim",
      elsewhere,
      { ...mayPlace, hasWaited: true },
      {},
      { kind: "not owner" },
    ],
    [
      "that another host has placed here goes back without a lease",
      unknown,
      mayPlace,
      { right: "finish" },
      { kind: "not owner" },
    ],
    [
      "that another host has placed here goes back from a host that drains",
      unknown,
      mayPlace,
      { isDraining: true },
      { kind: "not owner" },
    ],
    [
      "without an owner is refused by a host that drains when no other one can have it",
      unknown,
      first,
      { isDraining: true },
      { kind: "refuse" },
    ],
    [
      "goes to the instance here until a host that drains has given the resource back",
      owned,
      atOwner,
      { isDraining: true },
      { kind: "serve" },
    ],
    ["for an owner that is not here goes back", unknown, atOwner, {}, { kind: "not owner" }],
    ["for an owner is never passed on", elsewhere, atOwner, {}, { kind: "not owner" }],
    [
      "is redirected twice",
      elsewhere,
      { ...first, redirects: 2 },
      {},
      { kind: "pass on", to: "b", mark: "at owner" },
    ],
    [
      "is refused at the third redirect",
      elsewhere,
      { ...first, redirects: 3 },
      {},
      { kind: "refuse" },
    ],
  ])("%s", (_, ownership, call, host, decision) => {
    expect(decideCall(ownership, call, { ...here, ...host })).toEqual(decision);
  });
});

describe("a resource after a claim", () => {
  const now: Moment = { bootMs: 1_000, monotonicMs: 1_000 };
  const lease: Lease = { incarnation: 3, sentAt: now };
  const late: Moment = { bootMs: 9_000, monotonicMs: 9_000 };
  const claimed: ClaimAnswer = { kind: "claimed", epoch: 7 };

  it.each<[string, ClaimAnswer, Lease | undefined, Moment, Ownership]>([
    ["is owned", claimed, lease, now, owned],
    ["is given back when the lease is nearly over", claimed, lease, late, releasing],
    ["is given back by a later incarnation", claimed, { ...lease, incarnation: 4 }, now, releasing],
    ["is given back without a lease", claimed, undefined, now, releasing],
    [
      "has its owner elsewhere",
      { kind: "owned", host: "b", incarnation: 2, epoch: 5 },
      lease,
      now,
      elsewhere,
    ],
    ["is unknown when the incarnation is over", { kind: "notActive" }, lease, now, unknown],
    ["is unknown without an answer", { kind: "unknown" }, lease, now, unknown],
  ])("%s", (_, answer, held, moment, after) => {
    expect(afterClaim({ incarnation: 3 }, answer, { lease: held, now: moment })).toEqual(after);
  });
});

describe("an owner elsewhere", () => {
  const row: HostRow = { id: "b", incarnation: 2, state: "active", renewal: 1, renewedAgoMs: 0 };

  it.each<[string, readonly HostRow[], Ownership]>([
    ["stays while its incarnation is active", [row], elsewhere],
    ["is forgotten when it is fenced", [{ ...row, state: "fenced" }], unknown],
    ["is forgotten when it has started again", [{ ...row, incarnation: 3 }], unknown],
    ["is forgotten when its row is gone", [], unknown],
  ])("%s", (_, hosts, after) => {
    expect(afterHostsSeen(elsewhere, hosts)).toEqual(after);
    expect(afterHostsSeen(owned, hosts)).toBe(owned);
  });
});

it("a host releases the rows of resources that it does not know", () => {
  const known: Record<string, Ownership> = { claiming, owned, releasing, elsewhere };
  const rows = ["claiming", "owned", "releasing", "elsewhere", "lost"].map((resource) => {
    return { resource, epoch: 9 };
  });
  const released = rowsToRelease(rows, (resource) => known[resource] ?? unknown);
  expect(released.map(({ resource }) => resource)).toEqual(["elsewhere", "lost"]);
});
