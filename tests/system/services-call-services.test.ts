import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

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
  // The link itself, used by hand, with a caller that this instance is not.
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

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  const deploy = async (leverJson: object, files: Record<string, string>): Promise<void> => {
    const archive = serviceArchive({ "lever.json": JSON.stringify(leverJson), ...files });
    const answer = await deployArchive(lever.address, archive);
    expect(answer.status, answer.text).toBe(200);
  };
  await deploy({ name: "vault", jsEntry: "server.js", private: true }, { "server.js": vault });
  const config = { address: lever.address };
  await deploy({ name: "front", jsEntry: "server.js", config }, { "server.js": frontCommonJs });
  await deploy({ name: "frontEsm", jsEntry: "server.mjs" }, { "server.mjs": frontEsm });
  await deploy({ name: "frontTs", jsEntry: "server.ts" }, { "server.ts": frontTs });
});

afterAll(() => lever.stop());

const front = (method: string, args: unknown[] = []): ReturnType<typeof callMethod> =>
  callMethod(lever.address, `/front/${method}`, args);

describe("a service calls another", () => {
  it.each(["relative", "absolute", "byService", "byCallback"])("%s", async (method) => {
    expect((await front(method)).json()).toBe("the secret");
  });

  it.each(["frontEsm", "frontTs"])("from %s", async (service) => {
    const answer = await callMethod(lever.address, `/${service}/relative`, []);
    expect(answer.text).toBe('"the secret"');
  });

  it("and knows Lever's errors by their class", async () => {
    const answer = await callMethod(lever.address, "/frontEsm/isLevers", []);
    expect(answer.text).toBe("true");
  });

  it("and names a resource", async () => {
    expect((await front("byResource")).json()).toBe("room/7:x");
  });

  it("and gets the original value of its error, which travels on when it is not caught", async () => {
    expect((await front("errorValue")).json()).toEqual([
      "method_failed",
      { code: 42, list: [1, null] },
    ]);
    const answer = await front("error");
    expect([answer.status, answer.json()]).toEqual([500, { code: 42, list: [1, null] }]);
  });

  it.each([0, 1, 65_536, 65_537, 4 * 1024 * 1024])("and sends and gets %i bytes", async (size) => {
    const bytes = Buffer.alloc(size, "0123456789");
    const answer = await httpCall(lever.address, "/front/bytes?forceenv=dev.lever", {
      headers: { "content-type": "application/octet-stream" },
      body: bytes,
    });
    expect(answer.status).toBe(200);
    expect(answer.body.equals(Buffer.from(bytes).reverse())).toBe(true);
  });

  it("and hears of Lever's refusals and of its deadline by their codes", async () => {
    expect((await front("unknown")).json()).toBe("unknown_method");
    expect((await front("deadline")).json()).toBe("deadline_exceeded");
  });
});

describe("a private service", () => {
  it("answers nobody from outside", async () => {
    const answer = await callMethod(lever.address, "/vault/secret", []);
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({
      code: "private_service",
      detail: "The service vault is private: only services of dev.lever may call it.",
    });
  });

  it("takes a service that calls through the public port for someone from outside", async () => {
    expect((await front("outside")).json()).toBe("private_service");
  });

  it("is not fooled by headers", async () => {
    const answer = await httpCall(lever.address, "/vault/secret?forceenv=dev.lever", {
      headers: { "content-type": "application/json", "x-lever-src-env": "dev.lever" },
      body: "[]",
    });
    expect(answer.status).toBe(403);
  });
});

describe("an instance", () => {
  it("may not call the admin service, however it asks", async () => {
    expect((await front("admin")).json()).toBe("forbidden");
    expect((await front("forge")).json()).toBe("forbidden");
  });

  it("sees its own variables, and of the host's only the harmless ones", async () => {
    const variables = (await front("variables")).json() as Record<string, string>;
    expect(variables).toMatchObject({
      LEVEROS_ENVIRONMENT: "dev.lever",
      LEVEROS_SERVICE: "front",
      LEVEROS_CODE_VERSION: "1",
      LEVEROS_INTERNAL_ENV_SUFFIX: ".lever",
    });
    expect(variables["LEVEROS_INSTANCE_ID"]).toMatch(/^front-1-[0-9a-f]{8}$/);
    const allowed = /^(LEVEROS_.*|HOME|PATH|LANG|LC_ALL|TZ|TMPDIR)$/;
    expect(Object.keys(variables).filter((name) => !allowed.test(name))).toEqual([]);
  });
});
