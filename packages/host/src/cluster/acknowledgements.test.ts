import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { Emitter } from "../emitter.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import type { MemberRow } from "./postgres-leases.ts";
import { SHARED_VERSIONS } from "./shared-versions.ts";

const row = (name: string, more: Partial<MemberRow> = {}): MemberRow => ({
  id: name,
  incarnation: 1,
  name,
  address: "",
  fingerprint: "",
  appliedRevision: 0,
  version: "1.0.0",
  ...SHARED_VERSIONS,
  state: "active",
  renewal: 1,
  renewedAgoMs: 500,
  isDraining: false,
  isIdle: false,
  ...more,
});

/** The wait of host a for revision 5. */
function waitOn(hosts: MemberRow[]) {
  const clock = new VirtualClock();
  const hostsMoved = new Emitter<void>();
  const database = { isAway: false };
  const member = {
    id: "a",
    hosts,
    async readHosts() {
      if (database.isAway) throw new Error("away");
      return hosts;
    },
  };
  const acknowledgements = new Acknowledgements({ member, hostsMoved, clock });
  let result: readonly string[] | undefined;
  void acknowledgements.wait(5).then((names) => {
    result = names;
  });
  return {
    hosts,
    hostsMoved,
    database,
    async after(ms: number) {
      clock.advance(ms);
      await nextTurn();
      return result;
    },
  };
}

it("a change is acknowledged when every other host has applied it (Y1)", async () => {
  const waiting = waitOn([row("a"), row("b", { appliedRevision: 5 }), row("c")]);
  expect(await waiting.after(0)).toBeUndefined();
  waiting.hosts[2] = row("c", { appliedRevision: 6 });
  waiting.hostsMoved.emit();
  expect(await waiting.after(0)).toEqual([]);
});

it("hosts that were fenced or have left are not waited for", async () => {
  const waiting = waitOn([row("b", { state: "fenced" }), row("c", { state: "left" })]);
  expect(await waiting.after(0)).toEqual([]);
});

it("a silent host is waited for until its lease is over, and named (Y2)", async () => {
  const waiting = waitOn([row("a"), row("b", { renewedAgoMs: 11_000 })]);
  expect(await waiting.after(0)).toBeUndefined();
  waiting.hosts[1] = row("b", { renewedAgoMs: 11_250 });
  expect(await waiting.after(100)).toEqual(["b"]);
});

it("a host that renews and does not follow is named after a while", async () => {
  const waiting = waitOn([row("b")]);
  let found: readonly string[] | undefined;
  for (let ms = 0; ms < 14_900; ms += 100) found = await waiting.after(100);
  expect(found).toBeUndefined();
  await waiting.after(100);
  expect(await waiting.after(100)).toEqual(["b"]);
});

it("while the database is away, hosts count as they were last seen", async () => {
  const waiting = waitOn([row("b", { appliedRevision: 5 })]);
  waiting.database.isAway = true;
  const first = await waiting.after(0);
  expect(first).toEqual([]);
});
