import { expect, it } from "vitest";
import { HostChanges } from "./host-changes.ts";
import type { MemberRow } from "./postgres-leases.ts";
import { SHARED_VERSIONS } from "./shared-versions.ts";

const row: MemberRow = {
  id: "1",
  incarnation: 1,
  name: "a",
  address: "a:1",
  fingerprint: "",
  appliedRevision: 0,
  version: "1.0.0",
  ...SHARED_VERSIONS,
  isDraining: false,
  isIdle: false,
  state: "active",
  renewal: 1,
  renewedAgoMs: 400,
};
const b: MemberRow = { ...row, id: "2", name: "b" };

/** A database with these hosts, which carries out the change or does not. */
function changesOf(hosts: readonly MemberRow[], isDone = true) {
  const asked: string[] = [];
  const change = (what: string) => async (id: string) => {
    asked.push(`${what} ${id}`);
    return isDone;
  };
  const drain = change("drain");
  const [resume, remove] = [change("resume"), change("remove")];
  const changes = new HostChanges({ hosts: async () => hosts, drain, resume, remove }, async () => {
    asked.push("read");
  });
  return { asked, changes };
}

it.each<["drain" | "resume" | "remove", Partial<MemberRow>, isDone: boolean, string]>([
  ["drain", { name: "c" }, true, "the cluster has none of this name. It has: a, c."],
  ["drain", { state: "left" }, true, "it has left the cluster."],
  ["drain", { renewedAgoMs: 10_500 }, true, "it has no lease, and its resources go to"],
  ["drain", { state: "fenced" }, true, "it has no lease, and its resources go to"],
  ["drain", {}, false, "no other host would take its calls. Start or resume another one."],
  ["resume", {}, false, "it was not drained."],
  ["remove", {}, true, "it runs. Stop it first: it leaves in order."],
  ["remove", { renewedAgoMs: 11_000 }, true, "Another host fences it within 13 s: try again then."],
  ["remove", { state: "left" }, false, "it has come back meanwhile."],
])("to %s the host b that is %j is refused", async (action, more, isDone, reason) => {
  const { changes } = changesOf([row, { ...b, ...more }], isDone);
  await expect(changes[action]("b")).rejects.toThrow(`Cannot ${action} the host b: `);
  await expect(changes[action]("b")).rejects.toThrow(reason);
});

it("a host is named by its name or its id", async () => {
  const { changes, asked } = changesOf([row, b]);
  expect(await changes.drain("b")).toEqual({ host: "b", id: "2", isChanged: true });
  expect(await changes.resume("2")).toEqual({ host: "b", id: "2", isChanged: true });
  expect(asked).toEqual(["drain 2", "read", "resume 2", "read"]);
});

it("a host that drains already is drained without another change", async () => {
  const { changes } = changesOf([row, { ...b, isDraining: true }], false);
  expect(await changes.drain("b")).toEqual({ host: "b", id: "2", isChanged: false });
});

it("of hosts with one name, the one that the change can be for is meant", async () => {
  const { changes, asked } = changesOf([{ ...b, id: "3", state: "fenced" }, b]);
  await changes.drain("b");
  await changes.remove("b");
  expect(asked).toEqual(["drain 2", "read", "remove 3", "read"]);
  const gone = { ...b, state: "fenced" } as const;
  const two = changesOf([gone, { ...gone, id: "3" }]);
  await expect(two.changes.remove("b")).rejects.toThrow("Give the id of one: 2, 3.");
});
