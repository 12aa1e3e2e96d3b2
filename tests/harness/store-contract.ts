import type {
  Change,
  EnvironmentRecord,
  Store,
  TokenRecord,
  VariableRecord,
  VersionRecord,
} from "@leveros/host/parts";
import { parseLeverJson } from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
/** A store that a test opens and opens again. */
export interface StoreEngine {
  /** Opens it: as new, or as it was left. */
  open(): Promise<Store>;
  /** Adds records with the times 1 to `count` to the audit of a closed store, faster than one at a time. */
  fillAudit(count: number): Promise<void>;
  /** Removes everything. */
  remove(): Promise<void>;
}

const outcome = parseLeverJson('{"name": "abc", "jsEntry": "a.js", "config": {"é": [1]}}');
if (!outcome.ok) throw new Error(outcome.errors.join());
const { leverJson } = outcome;

const environment = "dev.lever";
const place = { environment, service: "svc" };
const record = (version: number, service = "svc"): VersionRecord => ({
  environment,
  service,
  version,
  codeId: `${service}-${version}`,
  leverJson,
  methods: ["one", "two"],
  archiveBytes: 10,
  unpackedBytes: 20,
  deployedAt: "2026-01-01T00:00:00.000Z",
});
const environmentOf = (name: string): EnvironmentRecord => ({
  environment: name,
  corsOrigins: ["*"],
  isPublic: false,
  network: "internet",
});
const token = (id: string, expiresAt?: number): TokenRecord => ({
  id,
  hash: `hash of ${id}`,
  environments: ["*"],
  rights: ["admin"],
  note: "",
  createdAt: 1,
  expiresAt,
});
const variable = (name: string, service = "", isSecret = false): VariableRecord => ({
  environment,
  service,
  name,
  value: `of ${name}`,
  isSecret,
  setAt: "2026-01-01T00:00:00.000Z",
});
const route = (host: string, path = "") => ({ host, path, environment, service: "svc" });
const created: Change = { kind: "environmentCreated", record: environmentOf(environment) };
const reserved = (version: number, service = "svc"): Change => ({
  kind: "versionReserved",
  environment,
  service,
  version,
});
const published = (version: number, service = "svc", versionsKeptMax = 10): Change => ({
  kind: "versionPublished",
  record: record(version, service),
  versionsKeptMax,
});
const removed = (isForced: boolean): Change => ({
  kind: "environmentRemoved",
  environment,
  isForced,
});
const set = (...records: readonly VariableRecord[]): Change => ({
  kind: "variablesSet",
  environment,
  records,
});

/** Every engine of the store passes this suite. */
export function describeStore(name: string, create: () => Promise<StoreEngine>): void {
  describe(`the store on ${name}`, () => {
    let engine: StoreEngine;
    let store: Store;

    beforeEach(async () => {
      engine = await create();
      store = await engine.open();
      await write(created);
    });

    afterEach(async () => {
      await store.close();
      await engine.remove();
    });

    const write = async (...changes: readonly Change[]): Promise<void> => {
      for (const change of changes) {
        expect(await store.commit(change)).toMatchObject({ outcome: "written" });
      }
    };
    const publish = async (version: number, service = "svc", versionsKeptMax = 10): Promise<void> =>
      await write(reserved(version, service), published(version, service, versionsKeptMax));
    const reopen = async (): Promise<void> => {
      await store.close();
      store = await engine.open();
    };
    const live = async (): Promise<string[]> => {
      const all: string[] = [];
      for await (const { service, version } of store.liveVersions())
        all.push(`${service} ${version}`);
      return all.sort();
    };
    const versions = async (): Promise<string[]> =>
      (await store.versions(environment)).map(({ codeId }) => codeId);

    it("returns what was written, also after it was closed and opened", async () => {
      const changed = { ...environmentOf(environment), corsOrigins: [], isPublic: true };
      const other = { ...environmentOf("a.lever"), network: ["dns"] as const };
      await write(
        { kind: "environmentChanged", record: changed },
        { kind: "environmentCreated", record: other },
        { kind: "tokenCreated", record: token("t1") },
        { kind: "tokenCreated", record: token("t2", 5) },
        set(variable("B", "svc", true), variable("A")),
        ...["/b", "", "/a"].map(
          (path): Change => ({ kind: "routeAdded", record: route("a.example", path) }),
        ),
        { kind: "routeAdded", record: { ...route("*.example.com"), service: "" } },
        { kind: "routeRemoved", record: route("a.example", "/a") },
      );
      await publish(1);
      await reopen();
      expect(await store.routes()).toEqual([
        { ...route("*.example.com"), service: "" },
        route("a.example"),
        route("a.example", "/b"),
      ]);
      expect(await store.environments()).toEqual([other, changed]);
      expect(await store.tokens()).toEqual([token("t1"), token("t2", 5)]);
      expect(await store.variables(environment)).toEqual([
        variable("A"),
        variable("B", "svc", true),
      ]);
      expect(await store.secrets(10)).toEqual([variable("B", "svc", true)]);
      const [found] = await store.versions(environment);
      expect(JSON.parse(JSON.stringify(found))).toEqual(JSON.parse(JSON.stringify(record(1))));
    });

    it("makes a published version live, and keeps the highest number", async () => {
      await publish(1);
      await publish(2);
      await publish(1, "other");
      await write(reserved(5));
      expect(await live()).toEqual(["other 1", "svc 2"]);
      expect(await versions()).toEqual(["other-1", "svc-2", "svc-1"]);
      expect(await store.numbersOf(environment, "svc")).toEqual({ live: 2, last: 5 });
      expect(await store.numbersOf(environment, "none")).toEqual({ live: 0, last: 0 });
      expect(await store.versions("no.lever")).toEqual([]);
    });

    it("makes a kept version live again", async () => {
      for (let version = 1; version <= 3; version++) await publish(version);
      await write({ kind: "versionMadeLive", record: record(2) });
      expect([await live(), await store.numbersOf(environment, "svc")]).toEqual([
        ["svc 2"],
        { live: 2, last: 3 },
      ]);
    });

    it("removes the oldest versions beyond the limit", async () => {
      for (let version = 1; version <= 4; version++) await publish(version, "svc", 3);
      expect(await store.codeIds()).toEqual(new Set(["svc-2", "svc-3", "svc-4"]));
    });

    it("removes a service with its variables, unless its data is kept", async () => {
      const isSet = set(variable("A", "svc"), variable("B"));
      for (const [version, keepsData] of [[1, true] as const, [2, false] as const]) {
        await write(isSet);
        await publish(version);
        await write({ kind: "serviceRemoved", ...place, keepsData });
        const names = (await store.variables(environment)).map((one) => one.name);
        expect([await live(), await versions(), names]).toEqual([
          [],
          [],
          keepsData ? ["B", "A"] : ["B"],
        ]);
      }
    });

    it("never gives a number twice, not even after a removal", async () => {
      await publish(1);
      await write(reserved(2), { kind: "serviceRemoved", ...place, keepsData: false });
      expect(await store.numbersOf(environment, "svc")).toEqual({ live: 0, last: 2 });
      expect(await store.commit(reserved(2))).toMatchObject({ outcome: "conflict" });
      await publish(3);
      expect(await live()).toEqual(["svc 3"]);
    });

    it("removes an environment with everything in it", async () => {
      await publish(1);
      const added: Change = { kind: "routeAdded", record: route("a.example") };
      await write(set(variable("A")), added, removed(true), created);
      expect([await live(), await versions(), await store.variables(environment)]).toEqual([
        [],
        [],
        [],
      ]);
      expect(await store.routes()).toEqual([]);
    });

    it("keeps the newest records of the audit", async () => {
      const entry = { principal: "t2", method: "m", environment: "*", target: "", outcome: "done" };
      await store.close();
      await engine.fillAudit(10_000);
      store = await engine.open();
      await write({ kind: "audited", record: { ...entry, at: 10_001 } });
      await write({ kind: "audited", record: { ...entry, at: 10_002, version: 7 } });
      expect(await store.audit(2)).toEqual([
        { ...entry, at: 10_001 },
        { ...entry, at: 10_002, version: 7 },
      ]);
      const kept = await store.audit(20_000);
      expect([kept.length, kept[0]?.at]).toEqual([10_000, 3]);
    });

    it.each<[string, Change]>([
      ["an environment that exists is created", created],
      [
        "an unknown environment is changed",
        { kind: "environmentChanged", record: environmentOf("no.lever") },
      ],
      [
        "an unknown environment is removed",
        { kind: "environmentRemoved", environment: "no.lever", isForced: true },
      ],
      ["an environment with services is removed without force", removed(false)],
      ["a number is reserved twice", reserved(4)],
      [
        "a number is reserved in an unknown environment",
        { kind: "versionReserved", environment: "no.lever", service: "svc", version: 9 },
      ],
      ["a number that is not reserved is published", published(5)],
      ["a version that is not higher than the live one is published", published(3)],
      ["a service is published that is not reserved", published(1, "other")],
      ["a version that is not kept is made live", { kind: "versionMadeLive", record: record(4) }],
      ["the live version is removed", { kind: "versionRemoved", ...place, version: 3 }],
      ["an unknown version is removed", { kind: "versionRemoved", ...place, version: 4 }],
      [
        "an unknown service is removed",
        { kind: "serviceRemoved", environment, service: "other", keepsData: false },
      ],
      [
        "variables are set in an unknown environment",
        { kind: "variablesSet", environment: "no.lever", records: [] },
      ],
      ["an unknown variable is removed", { kind: "variableRemoved", ...place, name: "NONE" }],
      [
        "a route is added twice",
        { kind: "routeAdded", record: { ...route("a.example"), service: "other" } },
      ],
      [
        "a route is added to an unknown environment",
        { kind: "routeAdded", record: { ...route("b.example"), environment: "no.lever" } },
      ],
      ["an unknown route is removed", { kind: "routeRemoved", record: route("a.example", "/x") }],
      ["a token is created twice", { kind: "tokenCreated", record: token("t1") }],
      ["an unknown token is removed", { kind: "tokenRemoved", id: "t2" }],
    ])("is in conflict when %s, and writes nothing (T2)", async (_, change) => {
      for (let version = 1; version <= 3; version++) await publish(version);
      await write(
        reserved(4),
        { kind: "tokenCreated", record: token("t1") },
        { kind: "routeAdded", record: route("a.example") },
      );
      const { revision } = await store.head();
      expect(await store.commit(change)).toEqual({ outcome: "conflict", revision });
      expect((await store.head()).revision).toBe(revision);
      expect([await live(), await versions(), (await store.tokens()).length]).toEqual([
        ["svc 3"],
        ["svc-3", "svc-2", "svc-1"],
        1,
      ]);
    });

    it("refuses a change that was decided on something older (T3)", async () => {
      const key = "variables dev.lever";
      await write(set(variable("A")));
      const before = await store.revisionOf(key);
      await write(set(variable("B")));
      const { revision } = await store.head();
      const late = set(variable("C"));
      expect(await store.commit(late, before)).toEqual({ outcome: "conflict", revision });
      expect(await store.commit(late, await store.revisionOf(key))).toMatchObject({
        outcome: "written",
        revision: revision + 1,
      });
      expect((await store.variables(environment)).map((one) => one.name)).toEqual(["A", "B", "C"]);
    });

    it("lets one of two changes win that were decided on the same", async () => {
      const expected = await store.revisionOf("tokens");
      const outcomes = await Promise.all(
        ["t1", "t2"].map((id) =>
          store.commit({ kind: "tokenCreated", record: token(id) }, expected),
        ),
      );
      expect(outcomes.map((result) => result.outcome).sort()).toEqual(["conflict", "written"]);
      expect(await store.tokens()).toHaveLength(1);
    });

    it.each<[string, Change]>([
      ["a service", { kind: "serviceRemoved", ...place, keepsData: false }],
      ["an environment", removed(true)],
    ])("does not mistake %s that is made again for the one before", async (_, change) => {
      await publish(1);
      const before = await store.revisionOf("service dev.lever/svc");
      await write(change);
      if (change.kind === "environmentRemoved") await write(created);
      await publish(2);
      expect(await store.commit(reserved(3), before)).toMatchObject({ outcome: "conflict" });
    });

    it("returns each change once and in order (T3)", async () => {
      const first = await store.head();
      await Promise.all([1, 2, 3].map((of) => store.commit(set(variable(`V${of}`)))));
      await reopen();
      const changes = await store.changesAfter(first.revision, 10);
      if (changes === "gone") throw new Error("The changes are gone.");
      expect(changes.map(({ revision }) => revision - first.revision)).toEqual([1, 2, 3]);
      expect(changes.map(({ change }) => change.kind)).toEqual(Array(3).fill("variablesSet"));
      expect(new Set(changes.map(({ nonce }) => nonce)).size).toBe(3);
      const { revision, nonce } = await store.head();
      expect(changes.at(-1)).toMatchObject({ revision, nonce });
      expect(await store.changesAfter(first.revision, 2)).toEqual(changes.slice(0, 2));
      expect(await store.changesAfter(revision, 10)).toEqual([]);
    });

    it("says that changes are gone which it does not have", async () => {
      const { revision } = await store.head();
      expect(await store.changesAfter(revision + 1, 10)).toBe("gone");
    });

    it("may be closed twice", async () => {
      await store.close();
      await store.close();
    });
  });
}
