import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { Applier } from "../state/applier.ts";
import type { StoredChange } from "../store/change.ts";
import { openSqliteStore, type SqliteStore } from "../store/sqlite-store.ts";
import { openReplica, type ReplicaOptions } from "./replica.ts";

let dir: string;
let store: SqliteStore;
const seen: string[] = [];

beforeEach(() => {
  seen.length = 0;
  dir = mkdtempSync(join(tmpdir(), "lever-replica-"));
  store = openSqliteStore(join(dir, "lever.sqlite"));
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const created = (revision: number): StoredChange => ({
  revision,
  nonce: `nonce ${revision}`,
  change: {
    kind: "environmentCreated",
    record: {
      environment: `e${revision}.lever`,
      corsOrigins: [],
      isPublic: true,
      network: "internet",
    },
  },
});

const environment = {
  environment: "new.lever",
  corsOrigins: "[]",
  isPublic: 1,
  network: '"internet"',
};
const last = { revision: 9, kind: "tokenRemoved", key: "tokens", value: "{}", nonce: "n9" };

const options = (): ReplicaOptions => {
  const applier = new Applier();
  applier.add(({ revision }) => {
    seen.push(`applied ${revision}`);
  });
  return {
    store,
    applier,
    cluster: {
      snapshot: (use) =>
        use({
          position: { generation: 2, revision: 9, nonce: "n9" },
          async *rows() {
            yield { table: "environments", rows: [environment] };
            yield { table: "tokens", rows: [] };
            yield { table: "changes", rows: [last] };
          },
        }),
    },
    onReloaded: (revision) => {
      seen.push(`reloaded after ${revision}`);
    },
    propagated: async () => {},
    onApplied: () => {},
    clock: systemClock,
    log: (_level, _part, event) => seen.push(event),
  };
};

it("a change is in the host's store before its parts are told", async () => {
  const replica = await openReplica(options());
  expect(replica.position()).toEqual({ generation: 0, revision: 0, nonce: "" });
  await replica.apply(created(1));
  await replica.apply(created(2));
  expect(replica.position()).toEqual({ generation: 0, revision: 2, nonce: "nonce 2" });
  expect(seen).toEqual(["applied 1", "applied 2"]);
  expect(await store.environments()).toHaveLength(2);
});

it("a revision is applied when every process of the host has it, and not before", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const replica = await openReplica({ ...options(), propagated: () => promise });
  const applying = replica.apply(created(1));
  await expect.poll(() => seen).toEqual(["applied 1"]);
  expect(replica.applied()).toBe(0);
  resolve();
  await applying;
  expect(replica.applied()).toBe(1);
});

it("a reload replaces the state, keeps the host's notes, and survives a restart", async () => {
  await store.notes.write("mine", "kept");
  const replica = await openReplica(options());
  await replica.apply(created(1));
  await replica.reload("a test");
  expect(seen).toEqual(["applied 1", "reloaded after 0"]);
  expect((await store.environments()).map((record) => record.environment)).toEqual(["new.lever"]);
  expect(await store.notes.read("mine")).toBe("kept");
  const again = await openReplica(options());
  expect(again.position()).toEqual({ generation: 2, revision: 9, nonce: "n9" });
});

it("rows of a table that is not of the state are refused, and nothing is replaced", async () => {
  await store.commit(created(1).change);
  const tables = [{ table: "host_values", rows: [{ name: "a", value: "b" }] }];
  await expect(store.replaceState(tables)).rejects.toThrow("another name");
  expect(await store.environments()).toHaveLength(1);
});

it("a revision is reached when every part has it, also when one of them has failed", async () => {
  const given = options();
  given.applier.add(() => {
    throw new Error("broken");
  });
  const replica = await openReplica(given);
  const reached = replica.reached(1);
  expect(replica.applied()).toBe(0);
  await replica.apply(created(1));
  await reached;
  expect(replica.applied()).toBe(1);
  expect(seen).toEqual(["applied 1", "change not applied"]);
});
