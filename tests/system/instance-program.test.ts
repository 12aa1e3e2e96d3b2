import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = `
const { Client } = require("leveros");
exports.greet = (name) => "Hello, " + name + "!";
exports.callsAnother = () => new Client().invokeURL("/loaded/greet", "you");
exports.ofNode = () => process.moduleLoadList.filter((name) => name.startsWith("NativeModule ")).map((name) => name.slice(13));
exports.ofRuntime = () => Object.keys(require.cache).map((path) => path.split("/").at(-1)).sort();
exports.allocates = () => Object.keys(process.env).filter((name) => /^(MALLOC|LEVER_STAYS)_/.test(name)).join() || "as it comes";
exports.failing = () => {
  throw new Error(new Error("here").stack);
};
`;

/** Modules of Node for gRPC, for the client outside of instances, and for features that the service does not use. */
const NOT_NEEDED = [
  "http",
  "http2",
  "https",
  "tls",
  "worker_threads",
  "perf_hooks",
  "internal/deps/undici/undici",
];

describe("an instance (process)", () => testInstance("process"));
describe("an instance (oci)", { tags: ["needs-containers"] }, () => testInstance("oci"));

function testInstance(isolation: "oci" | "process"): void {
  let lever: RunningLever;
  const call = async (method: string): Promise<unknown> =>
    (await callMethod(lever.address, `/loaded/${method}`, ["you"])).json();

  beforeAll(async () => {
    lever = await startLever({ isolation });
    await deployService(lever, testService(service, { name: "loaded" }));
  });

  afterAll(() => lever.stop());

  it(`an instance (${isolation}) loads no module that its service does not use`, async () => {
    expect(await call("callsAnother")).toBe("Hello, you!");
    const loaded = (await call("ofNode")) as string[];
    expect(loaded).toContain("net");
    expect(NOT_NEEDED.filter((name) => loaded.includes(name))).toEqual([]);
  });

  it(`an instance (${isolation}) runs a program of two files`, async () => {
    const loaded = (await call("ofRuntime")) as string[];
    // A runtime that a call waited for does not warm up.
    const own = loaded.filter((name) => name !== "warm-up-service.cjs");
    expect(own).toEqual(["leveros.mjs", "link.cjs", "main.cjs", "server.js"]);
  });

  it(`a service (${isolation}) sees none of the variables for its runtime`, async () => {
    expect(await call("allocates")).toBe("as it comes");
  });

  it(`a stack trace (${isolation}) shows the service's file and the runtime's function`, async () => {
    const stack = String(await call("failing")).split("\n");
    expect(stack[1]).toMatch(/^ +at exports\.failing( \[as call\])? \(.*\/server\.js:9:19\)$/);
    expect(stack[2]).toMatch(/^ +at callMethod \(.*\/main\.cjs:\d+:\d+\)$/);
  });
}
