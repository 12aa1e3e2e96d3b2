import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const vault = `
exports.secret = () => "the secret";
exports.fail = () => { throw { code: 42, list: [1, null] }; };
exports.swap = (bytes) => Buffer.from(bytes).reverse();
exports.slow = (callback) => {};
exports.within = (resource, name) => resource + ":" + name;
`;

const frontCommonJs = `
const { Client } = require("leveros");
const client = new Client();
exports.relative = () => client.invokeURL("/vault/secret");
exports.absolute = () => client.invokeURL("lever://dev.lever/vault/secret");
exports.byService = () => client.service("dev.lever", "vault").invoke("secret");
exports.byCallback = (callback) => client.invokeURL("/vault/secret", callback);
exports.byResource = () => client.resource("dev.lever", "vault", "room/7").invoke("within", "x");
exports.error = () => client.invokeURL("/vault/fail");
exports.errorValue = () => client.invokeURL("/vault/fail").catch((error) => [error.code, error.value]);
exports.bytes = (bytes) => client.invokeURL("/vault/swap", bytes);
exports.unknown = () => client.invokeURL("/vault/nothing").catch((error) => error.code);
exports.admin = () => client.invokeURL("lever://admin.lever/admin/listServices", "dev.lever").catch((error) => error.code);
exports.outside = () =>
  new Client({ forceHost: process.env.LEVEROS_CONFIG && JSON.parse(process.env.LEVEROS_CONFIG).address })
    .invokeURL("lever://dev.lever/vault/secret").catch((error) => error.code);
exports.deadline = () => new Client({ timeoutMs: 100 }).invokeURL("/vault/slow").catch((error) => error.code);
exports.forge = () => {
  // Uses the link directly, and names a caller that this instance is not.
  const { callee } = globalThis[Symbol.for("leveros.instance-link")];
  const request = { caller: { kind: "admin", principal: "local" },
    target: { environment: "admin.lever", service: "admin", resource: "", method: "listServices" },
    isStream: false, timeoutMs: 0, kind: 0, body: Buffer.from('["dev.lever"]') };
  return new Promise((resolve) => {
    callee.open(request, { onMessage: () => resolve("let in"), onEnd() {}, onFail: () => resolve("failed"),
      onAbort: (error) => resolve(error.code), onDrain() {} }, false);
  });
};
exports.variables = () => process.env;
`;

const frontEsm = `
import { Client, LeverError } from "leveros";
export const isLevers = () => new Client().invokeURL("/vault/none").catch((error) => error instanceof LeverError);
export const relative = async () => new Client().invokeURL("/vault/secret");
`;

const frontTs = `
import { Client, type LeverError } from "leveros";
const client: Client = new Client();
export async function relative(): Promise<unknown> { return client.invokeURL("/vault/secret"); }
`;

/** A service with one place, which calls itself and others in the course of a call that has that place. */
const ring = `
const { Client } = require("leveros");
const client = new Client();
const own = process.env.LEVEROS_SERVICE;
exports.newResource = (resource) => resource === "greeted" ? client.invokeURL("/" + own + "/inner") : undefined;
exports.inner = () => new Promise((done) => setTimeout(done, 20, "inner"));
exports.within = (resource) => exports.inner();
exports.toItself = () => client.invokeURL("/" + own + "/inner");
exports.around = () => client.invokeURL("/" + (own === "ring" ? "otherRing" : "ring") + "/back");
exports.back = () => client.invokeURL("/" + (own === "ring" ? "otherRing" : "ring") + "/toItself");
exports.toResource = () => client.resource("", own, "room").invoke("within");
exports.toGreeted = () => client.resource("", own, "greeted").invoke("within");
exports.fromResource = (resource) => client.resource("", own, resource).invoke("within");
exports.innerChan = async (stream) => { stream.write(await client.invokeURL("/" + own + "/inner")); };
exports.throughStream = async () => {
  for await (const message of await client.invokeChanURL("/" + own + "/innerChan")) return message;
};
exports.atOnce = async () => (await Promise.all(Array.from({ length: 20 }, exports.toItself))).at(-1);
exports.endless = () => client.invokeURL("/" + own + "/endless").catch((error) => { throw error.value ?? error.message; });
`;

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  const config = { address: lever.address };
  for (const service of [
    testService(vault, { name: "vault", private: true }),
    testService(frontCommonJs, { name: "front", config }),
    testService({ "server.mjs": frontEsm }, { name: "frontEsm", jsEntry: "server.mjs" }),
    testService({ "server.ts": frontTs }, { name: "frontTs", jsEntry: "server.ts" }),
    testService(ring, { name: "ring", maxInstances: 1, maxInstanceLoad: 1 }),
    testService(ring, { name: "otherRing", maxInstances: 1, maxInstanceLoad: 1 }),
    testService(ring, { name: "wide", maxInstances: 4 }),
  ]) {
    await deployService(lever, service);
  }
});

afterAll(() => lever.stop());

const front = (method: string, args: unknown[] = []): ReturnType<typeof callMethod> =>
  callMethod(lever.address, `/front/${method}`, args);

describe("a service calls another", () => {
  it.each(["relative", "absolute", "byService", "byCallback"])(
    "a service calls another one: %s",
    async (method) => {
      expect((await front(method)).json()).toBe("the secret");
    },
  );

  it.each(["frontEsm", "frontTs"])("the service %s calls another one", async (service) => {
    const answer = await callMethod(lever.address, `/${service}/relative`, []);
    expect(answer.text).toBe('"the secret"');
  });

  it("a service gets Lever's errors as instances of LeverError", async () => {
    const answer = await callMethod(lever.address, "/frontEsm/isLevers", []);
    expect(answer.text).toBe("true");
  });

  it("a service calls a resource of another one", async () => {
    expect((await front("byResource")).json()).toBe("room/7:x");
  });

  it("a service gets the value that the method it calls failed with", async () => {
    expect((await front("errorValue")).json()).toEqual([
      "method_failed",
      { code: 42, list: [1, null] },
    ]);
  });

  it("an error of a called service that is not caught fails the caller's own call", async () => {
    const answer = await front("error");
    expect([answer.status, answer.json()]).toEqual([500, { code: 42, list: [1, null] }]);
  });

  it.each([0, 1, 65_536, 65_537, 4 * 1024 * 1024])(
    "a service sends %i bytes to another one and gets them back",
    async (size) => {
      const bytes = Buffer.alloc(size, "0123456789");
      const answer = await httpCall(lever.address, "/front/bytes?forceenv=dev.lever", {
        headers: { "content-type": "application/octet-stream" },
        body: bytes,
      });
      expect(answer.status).toBe(200);
      expect(answer.body.equals(Buffer.from(bytes).reverse())).toBe(true);
    },
  );

  it("a service gets the code of Lever's refusal", async () => {
    expect((await front("unknown")).json()).toBe("unknown_method");
  });

  it("a call between services fails at its deadline", async () => {
    expect((await front("deadline")).json()).toBe("deadline_exceeded");
  });
});

describe("a call in the course of a call that has the last place", () => {
  const client = (): ReturnType<Client["service"]> =>
    new Client({ forceHost: lever.address, timeoutMs: 20_000 }).service("dev.lever", "ring");

  it.each([
    ["to its own service", "/ring/toItself"],
    ["back through another service", "/ring/around"],
    ["to a resource", "/ring/toResource"],
    ["to a resource whose newResource calls the service", "/ring/toGreeted"],
    ["of a resource to itself", "/ring/room/fromResource"],
    ["of a stream", "/ring/throughStream"],
    ["with 19 others", "/ring/atOnce"],
  ])("runs: %s", async (_what, path) => {
    const answer = await callMethod(lever.address, path, []);
    expect([answer.status, answer.text]).toEqual([200, '"inner"']);
  });

  it("runs for 60 callers of a service with four instances", async () => {
    const wide = new Client({ forceHost: lever.address }).service("dev.lever", "wide");
    const answers = Array.from({ length: 60 }, () => wide.invoke("toItself"));
    expect(new Set(await Promise.all(answers))).toEqual(new Set(["inner"]));
  });

  it("runs for callers that come over a client link", async () => {
    const answers = Array.from({ length: 3 }, () => client().invoke("around"));
    expect(await Promise.all(answers)).toEqual(["inner", "inner", "inner"]);
  });

  it("is refused when it has no end", async () => {
    const answer = await callMethod(lever.address, "/ring/endless", []);
    expect([answer.status, answer.text]).toEqual([500, expect.stringContaining("(callDepthMax)")]);
  });
});

describe("a private service", () => {
  it("a private service cannot be called from outside", async () => {
    const answer = await callMethod(lever.address, "/vault/secret", []);
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({
      code: "private_service",
      detail: "The service vault is private: only services of dev.lever may call it.",
    });
  });

  it("a service that calls through the public port counts as from outside", async () => {
    expect((await front("outside")).json()).toBe("private_service");
  });

  it("a header that names an environment does not open a private service", async () => {
    const answer = await httpCall(lever.address, "/vault/secret?forceenv=dev.lever", {
      headers: { "content-type": "application/json", "x-lever-src-env": "dev.lever" },
      body: "[]",
    });
    expect(answer.status).toBe(403);
  });
});

describe("an instance", () => {
  it("an instance cannot call the admin service", async () => {
    expect((await front("admin")).json()).toBe("forbidden");
  });

  it("an instance that names another caller on its link cannot call the admin service", async () => {
    expect((await front("forge")).json()).toBe("forbidden");
  });

  it("an instance has variables that name its service", async () => {
    const variables = (await front("variables")).json() as Record<string, string>;
    expect(variables).toMatchObject({
      LEVEROS_ENVIRONMENT: "dev.lever",
      LEVEROS_SERVICE: "front",
      LEVEROS_CODE_VERSION: "1",
      LEVEROS_RAM: "128",
      LEVEROS_INTERNAL_ENV_SUFFIX: ".lever",
    });
    expect(variables["LEVEROS_INSTANCE_ID"]).toMatch(/^front-1-[0-9a-f]{8}$/);
  });

  it("an instance sees only harmless variables of its host", async () => {
    const variables = (await front("variables")).json() as Record<string, string>;
    const allowed = /^(LEVEROS_.*|HOME|PATH|LANG|LC_ALL|TZ|TMPDIR)$/;
    expect(Object.keys(variables).filter((name) => !allowed.test(name))).toEqual([]);
  });
});
