import { readFileSync } from "node:fs";
import { LeverError } from "@leveros/protocol";
import { beforeEach, expect, it } from "vitest";
import { TokenIndex } from "../access/token-index.ts";
import { State } from "../state/state.ts";
import type { AuditRecord, TokenRecord } from "../store/store.ts";
import { environment, flag, service } from "./arguments.ts";
import { AdminGuard } from "./guard.ts";
import { adminMethod, adminStream } from "./method-table.ts";

const parts = { name: "the host" };
const token: TokenRecord = {
  id: "t1",
  hash: "h1",
  environments: ["dev.lever"],
  rights: ["deploy"],
  note: "",
  createdAt: 0,
  expiresAt: undefined,
};

let audit: AuditRecord[];
let ran: unknown[];
let judged: unknown[];
let guard: AdminGuard;
/** Hosts of the cluster that were given up on. */
let hostsBehind: readonly string[];

beforeEach(() => {
  audit = [];
  ran = [];
  judged = [];
  hostsBehind = [];
  const state = new State({ revisionOf: async () => 0 }, async (change) => {
    if (change.kind === "audited") audit.push(change.record);
    return { outcome: "written", revision: 1 };
  });
  const access = new TokenIndex({ wallTime: () => 5, isLocalOnly: true });
  access.add(token);
  guard = new AdminGuard({
    access,
    state,
    wallTime: () => 5,
    log: () => {},
    async propagated() {
      ran.push("propagated");
      return hostsBehind;
    },
  });
});

const isAll = (what: unknown): boolean => {
  judged.push(what);
  return what === "all";
};
const change = { right: "deploy", isChange: true, does: "" } as const;
const note = (...values: readonly unknown[]): void => void ran.push(values);
const methods = {
  listThings: adminMethod({ ...change, isChange: false, arguments: [environment] }, note),
  openThing: adminMethod(
    { ...change, needsAll: ([, what]) => isAll(what), arguments: [environment, service] },
    note,
  ),
  listAll: adminMethod({ ...change, isChange: false, arguments: [] }, note),
  dropThing: adminMethod({ ...change, arguments: [environment, service, flag("force")] }, note),
  thingChan: adminStream({ ...change, alias: "ThingChan", arguments: [environment] }, note),
  readThing: adminMethod({ ...change, isChange: false, arguments: [environment] }, () =>
    readFileSync("/no/such/path"),
  ),
  makeThing: adminMethod({ ...change, arguments: [environment] }, () => guard.note(noted)),
  setThing: adminMethod({ ...change, arguments: [environment] }, () => null),
  countThings: adminMethod({ ...change, arguments: [environment] }, () => ({ things: 1 })),
  whoAmI: adminMethod(
    { ...change, right: "any", isChange: false, arguments: [] },
    () => guard.principal,
  ),
  failThing: adminMethod({ ...change, arguments: [environment] }, () => {
    throw new LeverError("method_failed", "no", { value: "no" });
  }),
};

/** Set by a method that names what it changes. */
const noted = { target: "made", version: 3 };

const call = async (name: string, ...args: unknown[]): Promise<unknown> =>
  guard.runAs("t1", () => guard.guardAll(methods, parts)[name]?.(...args));

it("a method runs with its parts and its arguments as they were read", async () => {
  await call("listThings", "DEV.lever");
  expect(ran).toEqual([[parts, "dev.lever"]]);
  expect(audit).toEqual([]);
});

it("a change is recorded after it holds everywhere, with its target", async () => {
  await call("dropThing", "dev.lever", "svc", { force: true });
  expect(ran).toEqual([[parts, "dev.lever", "svc", true], "propagated"]);
  const about = { at: 5, principal: "t1", environment: "dev.lever" };
  expect(audit).toEqual([{ ...about, method: "dropThing", target: "svc", outcome: "done" }]);
});

it("the answer of a change names hosts that were given up on", async () => {
  expect(await call("setThing", "dev.lever")).toBeNull();
  hostsBehind = ["b"];
  expect(await call("setThing", "dev.lever")).toEqual({ hostsBehind });
  expect(await call("countThings", "dev.lever")).toEqual({ things: 1, hostsBehind });
  expect(audit.map(({ outcome }) => outcome)).toEqual(["done", "done", "done"]);
});

it("a stream comes before the arguments, and an alias is a name of its own", async () => {
  await call("ThingChan", "the stream", "dev.lever");
  expect(ran).toEqual([[parts, "the stream", "dev.lever"], "propagated"]);
  expect(audit).toMatchObject([{ method: "ThingChan", environment: "dev.lever", target: "" }]);
});

it("the right is checked in the environment of the call, before its arguments are", async () => {
  await expect(call("dropThing", "other.lever")).rejects.toMatchObject({ code: "forbidden" });
  await expect(call("dropThing", 5)).rejects.toMatchObject({ code: "forbidden" });
  await expect(call("dropThing", "dev.lever", 5)).rejects.toMatchObject({
    code: "malformed_request",
  });
  expect(ran).toEqual([]);
  expect(audit.map(({ environment: of, outcome }) => [of, outcome])).toEqual([
    ["other.lever", "forbidden"],
    ["", "forbidden"],
    ["dev.lever", "malformed_request"],
  ]);
});

it("a method without an environment needs its right in all of them", async () => {
  await expect(call("listAll")).rejects.toMatchObject({ code: "forbidden" });
});

it("a change that fails by itself is recorded as failed", async () => {
  await expect(call("failThing", "dev.lever")).rejects.toMatchObject({ code: "method_failed" });
  expect(audit).toMatchObject([{ method: "failThing", outcome: "failed" }]);
});

it("an error of the system reaches callers without its path", async () => {
  await expect(call("readThing", "dev.lever")).rejects.toMatchObject({
    code: "internal",
    message: expect.not.stringContaining("/no/such/path"),
  });
});

it("a call without a principal may do nothing", () => {
  const guarded = guard.guardAll(methods, parts);
  expect(() => guarded["listThings"]?.("dev.lever")).toThrow(LeverError);
});

it("a method may need its right in all environments for some arguments", async () => {
  await call("openThing", "dev.lever", "one");
  expect(ran).toEqual([[parts, "dev.lever", "one"], "propagated"]);
  await expect(call("openThing", "dev.lever", "all")).rejects.toMatchObject({ code: "forbidden" });
  expect(audit.at(-1)).toMatchObject({ environment: "dev.lever", outcome: "forbidden" });
  expect(judged).toEqual(["one", "all"]);
});

it("the arguments of a caller without the right are not judged", async () => {
  await expect(call("openThing", "other.lever", "all")).rejects.toMatchObject({
    code: "forbidden",
  });
  expect(judged).toEqual([]);
});

it("the audit records what a method says that it has changed", async () => {
  await call("makeThing", "dev.lever");
  expect(audit).toMatchObject([{ method: "makeThing", ...noted, outcome: "done" }]);
});

it("a method for any token runs with its principal, and not without a valid token", async () => {
  expect(await call("whoAmI")).toBe("t1");
  const guarded = guard.guardAll(methods, parts);
  for (const principal of ["", "gone"]) {
    expect(() => guard.runAs(principal, () => guarded["whoAmI"]?.())).toThrow(LeverError);
  }
});
