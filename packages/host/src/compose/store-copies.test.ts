import { existsSync, mkdtempSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { openSqliteStore, type SqliteStore } from "../store/sqlite-store.ts";
import { StoreCopies } from "./store-copies.ts";

let dir: string;
let file: string;
let store: SqliteStore;
let removed: string[];
let logged: unknown[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "lever-copies-"));
  file = join(dir, "backup", "lever.sqlite");
  store = openSqliteStore(join(dir, "lever.sqlite"));
  await store.commit({
    kind: "environmentCreated",
    record: { environment: "dev.lever", corsOrigins: [], isPublic: false, network: "internet" },
  });
  removed = [];
  logged = [];
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

/** Makes the copies that are due now. */
async function copy(): Promise<void> {
  const copies = new StoreCopies({
    store,
    storeFile: join(dir, "lever.sqlite"),
    file,
    removed: {
      names: async () => removed,
      delete: async (names) => {
        removed = removed.filter((name) => !names.includes(name));
      },
    },
    clock: systemClock,
    log: (...event) => logged.push(event),
  });
  copies.start();
  await copies.close();
}

const setVariable = async (value: string): Promise<void> =>
  void (await store.commit({
    kind: "variablesSet",
    environment: "dev.lever",
    records: [
      { environment: "dev.lever", service: "", name: "A", value, isSecret: false, setAt: "" },
    ],
  }));

function copiedValue(): unknown {
  const database = new DatabaseSync(file, { readOnly: true });
  const value = database.prepare("SELECT value FROM variables").get()?.["value"];
  database.close();
  return value;
}

const makeOld = (): void => utimesSync(file, new Date(0), new Date(Date.now() - 3_600_000));

it("a store with content is copied to one private file", async () => {
  await setVariable("one");
  await copy();
  expect(copiedValue()).toBe("one");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(existsSync(`${file}.new`)).toBe(false);
});

it("a store without content does not replace a copy", async () => {
  await setVariable("one");
  await copy();
  makeOld();
  await store.commit({
    kind: "variableRemoved",
    environment: "dev.lever",
    service: "",
    name: "A",
  });
  await copy();
  expect(copiedValue()).toBe("one");
});

it("a copy is replaced when it is an hour old", async () => {
  await setVariable("one");
  await copy();
  await setVariable("two");
  await copy();
  expect(copiedValue()).toBe("one");
  makeOld();
  await copy();
  expect(copiedValue()).toBe("two");
});

it("removed archives are deleted after the copy that does not name them", async () => {
  await setVariable("one");
  removed = ["a", "b"];
  await copy();
  expect(removed).toEqual([]);
  removed = ["c"];
  await copy();
  expect(removed).toEqual(["c"]);
});

it("a copy is made at once when many archives are removed", async () => {
  await setVariable("one");
  await copy();
  await setVariable("two");
  removed = Array.from({ length: 65 }, (_, i) => String(i));
  await copy();
  expect([copiedValue(), removed]).toEqual(["two", []]);
});

it("a copy that fails is logged, and leaves the last one", async () => {
  await setVariable("one");
  await copy();
  makeOld();
  await setVariable("two");
  store = { ...store, copyTo: () => Promise.reject(new Error("no")) };
  await copy();
  expect(copiedValue()).toBe("one");
  expect(logged).toContainEqual(["warn", "store", "store copy failed", { reason: "Error: no" }]);
});

it("a store whose file is removed while it is open is copied at once", async () => {
  await setVariable("one");
  await copy();
  await setVariable("two");
  rmSync(join(dir, "lever.sqlite"));
  await copy();
  expect(copiedValue()).toBe("two");
  expect(logged).toContainEqual(["error", "store", "store file lost", expect.anything()]);
});
