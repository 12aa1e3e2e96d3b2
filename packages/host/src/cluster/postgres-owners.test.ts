// One file, although long: its tests share a server of PostgreSQL.
// @module-tag needs-postgres
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createTestStore,
  openTestStore,
  type TestStore,
} from "../../../../tests/harness/cluster-store.ts";
import { startDatabaseProxy } from "../../../../tests/harness/database-proxy.ts";
import { eventually } from "../../../../tests/harness/eventually.ts";
import { TestPostgres } from "../../../../tests/harness/postgres.ts";
import type { AnnouncedHost, MemberRow } from "./postgres-leases.ts";
import { SHARED_VERSIONS } from "./shared-versions.ts";

let server: TestPostgres;
let store: TestStore & { readonly database: string };
let names = 0;

beforeAll(async () => {
  server = await TestPostgres.start();
  store = await createTestStore(server);
});
afterAll(async () => {
  await store?.close();
  await server?.[Symbol.asyncDispose]();
});

const uniqueName = (): string => `name${++names}`;
const place = (resource: string) => ({ environment: "dev.lever", service: "chat", resource });
const of = ({ id, incarnation }: AnnouncedHost) => ({ host: id, incarnation });

/** A connection in Lever's schema, for locks and for looking at rows. */
async function open(): ReturnType<TestPostgres["connect"]> {
  const client = await server.connect(store.database);
  await client.query("SET search_path = lever");
  return client;
}

type JoinedHost = AnnouncedHost & Pick<MemberRow, "isIdle">;

function host(id: string, incarnation: number): JoinedHost {
  const names = { id, incarnation, name: id, address: "10.0.0.1:1", fingerprint: "f" };
  return { ...names, appliedRevision: 0, version: "1.0.0", isIdle: false, ...SHARED_VERSIONS };
}

/** A host that has joined. */
async function join(id = uniqueName(), incarnation = 1, to = store): Promise<JoinedHost> {
  const announced = host(id, incarnation);
  expect(await to.leases.join(announced)).toBe(true);
  return announced;
}

/** Fences a host as another one does that has seen its last renewal. */
async function fence({ id, incarnation }: AnnouncedHost): Promise<boolean> {
  const observer = await join();
  const { hosts } = await store.leases.renew(observer);
  const { renewal = -1 } = hosts.find((host) => host.id === id) ?? {};
  return await store.leases.fence({ id, incarnation, renewal }, { olderThanMs: 0 });
}

async function claimed(host: AnnouncedHost, resource: string): Promise<number> {
  const result = await store.owners.claim(place(resource), of(host));
  if (result.kind !== "claimed") throw new Error(`The resource was not claimed: ${result.kind}.`);
  return result.epoch;
}

/** Waits until a statement of another connection waits for a lock. */
async function untilBlocked(): Promise<void> {
  await using client = await server.connect(store.database);
  await eventually(async () => {
    const { rowCount } = await client.query(
      "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1",
      [store.database],
    );
    return rowCount !== 0;
  });
}

it("a free resource goes to the host that claims it, and to no other one", async () => {
  const [a, b] = [await join(), await join()];
  const resource = uniqueName();
  const epoch = await claimed(a, resource);
  expect(await store.owners.claim(place(resource), of(b))).toEqual({
    kind: "owned",
    ...of(a),
    epoch,
  });
  expect(await store.owners.owned(of(a))).toEqual([{ ...place(resource), epoch }]);
});

it("a claim whose answer was lost is among the rows of its host, which gives the resource back", async () => {
  const [a, b] = [await join(), await join()];
  const resource = uniqueName();
  await using proxy = await startDatabaseProxy(server.port);
  await using cut = await openTestStore({ urls: [proxy.url(server.url(store.database))] });
  proxy.onNextCommit("unanswered", "INSERT INTO owners");
  const unavailable = { code: "unavailable" };
  await expect(cut.owners.claim(place(resource), of(a))).rejects.toMatchObject(unavailable);
  const [row = { epoch: 0 }] = await store.owners.owned(of(a));
  expect(row).toMatchObject(place(resource));
  expect(await store.owners.claim(place(resource), of(b))).toMatchObject({ kind: "owned" });
  const owner = { ...of(a), epoch: row.epoch };
  expect(await store.owners.release(place(resource), owner)).toBe(true);
  expect(await claimed(b, resource)).toBeGreaterThan(row.epoch);
});

it("one of many hosts that claim at once gets the resource", async () => {
  const hosts = await Promise.all(Array.from({ length: 8 }, () => join()));
  const resource = uniqueName();
  const results = await Promise.all(
    hosts.map((host) => store.owners.claim(place(resource), of(host))),
  );
  expect(results.filter(({ kind }) => kind === "claimed")).toHaveLength(1);
  expect(results.filter(({ kind }) => kind === "owned")).toHaveLength(7);
});

it("a released resource is free, and its epochs grow", async () => {
  const [a, b] = [await join(), await join()];
  const resource = uniqueName();
  const first = await claimed(a, resource);
  expect(await store.owners.release(place(resource), { ...of(a), epoch: first - 1 })).toBe(false);
  expect(await store.owners.release(place(resource), { ...of(a), epoch: first })).toBe(true);
  expect(await store.owners.release(place(resource), { ...of(a), epoch: first })).toBe(false);
  // Without the row, a claim that has waited would insert one, with an epoch that it drew before it waited.
  await using client = await open();
  const { rowCount } = await client.query("SELECT FROM owners WHERE resource = $1", [resource]);
  expect(rowCount).toBe(1);
  expect(await claimed(b, resource)).toBeGreaterThan(first);
});

it("a name of 16 KiB is a resource", async () => {
  const resource = "r".repeat(16 * 1024);
  const epoch = await claimed(await join(), resource);
  expect(epoch).toBeGreaterThan(0);
});

it.each(["fenced", "left", "restarted"] as const)(
  "a resource of a host that has %s is free at once",
  async (end) => {
    const [a, b] = [await join(), await join()];
    const resource = uniqueName();
    const first = await claimed(a, resource);
    if (end === "fenced") expect(await fence(a)).toBe(true);
    if (end === "left") expect(await store.leases.leave(a)).toBe(true);
    if (end === "restarted") await join(a.id, a.incarnation + 1);
    expect(await claimed(b, resource)).toBeGreaterThan(first);
    expect((await store.owners.claim(place(uniqueName()), of(a))).kind).toBe("notActive");
  },
);

it("a fenced incarnation stays fenced, and the next one is not fenced", async () => {
  const a = await join();
  expect(await fence(a)).toBe(true);
  expect((await store.leases.renew(a)).isRenewed).toBe(false);
  expect(await store.leases.join(a)).toBe(false);
  expect(await store.leases.remove(a.id)).toBe(true);
  expect(await store.leases.join(a)).toBe(false);
  const next = await join(a.id, 2);
  expect((await store.leases.renew(next)).isRenewed).toBe(true);
});

it("a renewal since the observation keeps a host from being fenced", async () => {
  const a = await join();
  const { hosts } = await store.leases.renew(a);
  const seen = hosts.find(({ id }) => id === a.id);
  expect(seen).toMatchObject({ state: "active", renewal: 1, appliedRevision: 0 });
  expect(seen?.renewedAgoMs).toBeGreaterThanOrEqual(0);
  await store.leases.renew({ ...a, appliedRevision: 7 });
  expect(await store.leases.fence({ ...a, renewal: 1 }, { olderThanMs: 0 })).toBe(false);
  expect(await store.leases.fence({ ...a, renewal: 2 }, { olderThanMs: 60_000 })).toBe(false);
  expect(await store.leases.fence({ ...a, renewal: 2 }, { olderThanMs: 0 })).toBe(true);
});

it("of two hosts that are drained at once one stays, and a drained one stays so when it comes back", async () => {
  await using own = await createTestStore(server);
  const olderThanMs = 60_000;
  const [a, b] = [await join("a", 1, own), await join("b", 1, own)];
  const drains = [a, b].map(({ id }) => own.leases.drain(id, { olderThanMs }));
  expect((await Promise.all(drains)).toSorted()).toEqual([false, true]);
  const drained = async (): Promise<readonly string[]> =>
    (await own.leases.hosts()).filter((of) => of.isDraining).map(({ id }) => id);
  const [id = ""] = await drained();
  await join(id, 2, own);
  expect(await drained()).toEqual([id]);
  const { hosts } = await own.leases.renew({ ...a, id, incarnation: 2, isIdle: true });
  expect(hosts.map((of) => of.isIdle).toSorted()).toEqual([false, true]);
  expect([await own.leases.resume(id), await own.leases.resume(id)]).toEqual([true, false]);
  expect(await own.leases.leave({ id, incarnation: 2 })).toBe(true);
  expect(await own.leases.drain(id, { olderThanMs })).toBe(false);
  expect(await own.leases.remove(id)).toBe(true);
  expect(await own.leases.hosts()).toHaveLength(1);
});

it("the tables get a format when every active host reads it, and hosts that do not read it are refused", async () => {
  await using own = await createTestStore(server);
  const ranged = async (id: string, oldest: number, newest: number, incarnation = 1) =>
    await own.leases.join({ ...host(id, incarnation), formats: { oldest, newest } });
  await ranged("old", 1, 1);
  await ranged("new", 1, 2);
  expect(await own.raiseFormat()).toBe(1);
  await own.leases.leave({ id: "old", incarnation: 1 });
  expect(await own.raiseFormat()).toBe(2);
  await expect(ranged("old", 1, 1, 2)).rejects.toThrow(
    "a newer Lever wrote it (its format is 2, and this Lever reads version 1). Update Lever on this host.",
  );
  await expect(ranged("newest", 3, 4)).rejects.toThrow(
    "an older Lever wrote it (its format is 2, and this Lever reads versions 3 to 4). First update all hosts",
  );
  await expect(own.cluster()).rejects.toThrow("a newer Lever wrote it");
  expect(await ranged("old", 1, 2, 3)).toBe(true);
});

it("a claim that waited does not take from an owner that came back meanwhile", async () => {
  const [x, z] = [await join(), await join()];
  const resource = uniqueName();
  await claimed(x, resource);
  await fence(x);
  await using client = await open();
  await client.query("BEGIN");
  await client.query("SELECT FROM owners WHERE resource = $1 FOR UPDATE", [resource]);
  const claim = store.owners.claim(place(resource), of(z));
  await untilBlocked();
  // As the claim of the next incarnation does; it has the lock.
  await join(x.id, 2);
  await client.query(
    "UPDATE owners SET incarnation = 2, epoch = nextval('epochs') WHERE resource = $1",
    [resource],
  );
  await client.query("COMMIT");
  expect(await claim).toMatchObject({ kind: "owned", host: x.id, incarnation: 2 });
});

it("a host is not fenced while its claim waits, and is renewed meanwhile", async () => {
  const [x, z] = [await join(), await join()];
  const resource = uniqueName();
  await claimed(x, resource);
  await using client = await open();
  await client.query("BEGIN");
  await client.query("UPDATE owners SET released = true WHERE resource = $1", [resource]);
  const order: string[] = [];
  const claim = claimed(z, resource).then((epoch) => {
    order.push("claimed");
    return epoch;
  });
  await untilBlocked();
  expect((await store.leases.renew(z)).isRenewed).toBe(true);
  await using fencer = await open();
  const fenced = fencer
    .query("UPDATE hosts SET state = 'fenced' WHERE id = $1 AND state = 'active'", [z.id])
    .then(() => order.push("fenced"));
  await eventually(async () => {
    const { rowCount } = await client.query(
      "SELECT FROM pg_locks WHERE NOT granted AND pid <> $1",
      [await pidOf(client)],
    );
    return (rowCount ?? 0) >= 2;
  });
  expect(order).toEqual([]);
  await client.query("COMMIT");
  await Promise.all([claim, fenced]);
  expect(order[0]).toBe("claimed");
  expect((await store.leases.renew(z)).isRenewed).toBe(false);
});

it("the epoch of a claim that waited is higher than those given meanwhile", async () => {
  const [x, y, z] = [await join(), await join(), await join()];
  const resource = uniqueName();
  const epoch = await claimed(x, resource);
  await using client = await open();
  await client.query("BEGIN");
  await client.query("UPDATE owners SET released = true WHERE resource = $1", [resource]);
  const late = store.owners.claim(place(resource), of(z));
  await untilBlocked();
  // Another host claims and releases in the transaction that the claim waits for: its epoch is drawn after the claim began.
  const { rows } = await client.query<{ epoch: string }>(
    "UPDATE owners SET host = $2, epoch = nextval('epochs') WHERE resource = $1 RETURNING epoch",
    [resource, y.id],
  );
  await client.query("COMMIT");
  const between = Number(rows[0]?.epoch);
  expect(between).toBeGreaterThan(epoch);
  const result = await late;
  if (result.kind !== "claimed") throw new Error("The resource was free.");
  expect(result.epoch).toBeGreaterThan(between);
});

it("a claim whose wait for the standby was cancelled is not answered as claimed", async () => {
  const x = await join();
  const resource = uniqueName();
  await server.waitForStandby("missing");
  try {
    await eventually(async () => {
      const claim = store.owners.claim(place(resource), of(x)).catch((error: unknown) => error);
      let isDone = false;
      void claim.then(() => {
        isDone = true;
      });
      await eventually(async () => isDone || (await server.cancelWaits(store.database)));
      return String(await claim).includes("the standby of the database may not have it");
    });
  } finally {
    await server.waitForStandby("");
  }
  // The host finds it in the list of its own resources.
  expect(await store.owners.owned(of(x))).toMatchObject([{ resource }]);
});

async function pidOf(client: Awaited<ReturnType<TestPostgres["connect"]>>): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return rows[0]?.pid ?? 0;
}
