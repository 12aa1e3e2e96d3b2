import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LeverError } from "@leveros/protocol";
import { afterEach, beforeEach, expect, it } from "vitest";
import { stateOf } from "../../../../tests/harness/state-of.ts";
import { Sites } from "../router/sites.ts";
import { openSqliteStore, type SqliteStore } from "../store/sqlite-store.ts";
import { Routes } from "./routes.ts";

let dir: string;
let store: SqliteStore;
let sites: Sites;
let routes: Routes;

const open = (): Routes => {
  const opened: Routes = new Routes({
    store,
    state: stateOf(store, (applied) => opened.apply(applied)),
    router: { sites },
  });
  return opened;
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "lever-routes-"));
  store = openSqliteStore(join(dir, "lever.sqlite"));
  for (const environment of ["shop.lever", "other.lever", "env.example.com"]) {
    const record = { environment, corsOrigins: [], isPublic: false, network: "internet" } as const;
    await store.commit({ kind: "environmentCreated", record });
  }
  sites = new Sites();
  routes = open();
});

afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const add = (host: string, service: string, path = "", environment = "shop.lever") =>
  routes.add({ host, path, environment, service });
const codeOf = async (work: Promise<void>): Promise<string | undefined> =>
  await work.then(
    () => undefined,
    (error: unknown) => (error instanceof LeverError ? error.code : String(error)),
  );

it("a route leads requests at once, and after the next start", async () => {
  await add("shop.example.com", "web");
  await add("shop.example.com", "blog", "/blog");
  await add("*.apps.example.com", "");
  const [blog, app] = [
    sites.routes.find("shop.example.com", "/blog/a"),
    sites.routes.find("one.apps.example.com", "/"),
  ];
  expect([blog?.service, app?.service]).toEqual(["blog", "one"]);
  const before = [...sites.routes];
  sites = new Sites();
  await open().open();
  expect([...sites.routes]).toEqual(expect.arrayContaining(before));
  expect((await routes.list("shop.lever")).length).toBe(3);
  expect(await routes.list("other.lever")).toEqual([]);
});

it.each([
  ["the same address again", "shop.example.com", "other", "", "shop.lever", "conflict"],
  [
    "a path of another environment's name",
    "shop.example.com",
    "x",
    "/x",
    "other.lever",
    "conflict",
  ],
  ["a name below another one's *", "a.apps.example.com", "x", "", "other.lever", "conflict"],
  ["a name below its own *", "a.apps.example.com", "x", "", "shop.lever", undefined],
  ["the name of an environment", "env.example.com", "x", "", "shop.lever", "conflict"],
  ["a * that covers an environment", "*.example.com", "", "", "shop.lever", "conflict"],
  ["a * with a service", "*.b.example.com", "x", "", "shop.lever", "malformed_request"],
  ["a name without a service", "b.example.com", "", "", "shop.lever", "malformed_request"],
])("%s is added: %s", async (_what, host, service, path, environment, code) => {
  await add("shop.example.com", "web");
  await add("*.apps.example.com", "");
  expect(await codeOf(add(host, service, path, environment))).toBe(code);
});

it("only its environment removes a route", async () => {
  await add("shop.example.com", "web", "/a");
  const address = { host: "shop.example.com", path: "/a" };
  expect(await codeOf(routes.remove("other.lever", address))).toBe("not_found");
  await routes.remove("shop.lever", address);
  expect(await codeOf(routes.remove("shop.lever", address))).toBe("not_found");
  expect(sites.routes.isEmpty).toBe(true);
});

it("the routes of an environment go with it", async () => {
  await add("shop.example.com", "web");
  await add("b.example.com", "web", "", "other.lever");
  const removed = {
    kind: "environmentRemoved",
    environment: "shop.lever",
    isForced: true,
  } as const;
  const result = await store.commit(removed);
  if (result.outcome === "written") routes.apply(result);
  expect([...sites.routes].map(({ host }) => host)).toEqual(["b.example.com"]);
});
