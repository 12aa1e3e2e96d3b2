import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

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

/** What speaks gRPC, what the client needs outside of instances, and what only comes with what is not used. */
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
    const leverJson = JSON.stringify({ name: "loaded", jsEntry: "server.js" });
    const archive = serviceArchive({ "lever.json": leverJson, "server.js": service });
    expect((await deployArchive(lever.address, archive)).status).toBe(200);
  });

  afterAll(() => lever.stop());

  it("has loaded nothing that its service does not use, also after it has called another", async () => {
    expect(await call("callsAnother")).toBe("Hello, you!");
    const loaded = (await call("ofNode")) as string[];
    expect(loaded).toContain("net");
    expect(NOT_NEEDED.filter((name) => loaded.includes(name))).toEqual([]);
  });

  it("runs a program that is one file", async () => {
    const loaded = (await call("ofRuntime")) as string[];
    // Of a runtime that somebody waited for at its start, there is no rehearsal.
    const own = loaded.filter((name) => name !== "warm-up-service.cjs");
    expect(own).toEqual(["leveros.mjs", "main.cjs", "server.js"]);
  });

  it("leaves what it was started with to nothing that its service starts", async () => {
    expect(await call("allocates")).toBe("as it comes");
  });

  it("shows in a stack trace where its service is, and what called it by its name", async () => {
    const stack = String(await call("failing")).split("\n");
    expect(stack[1]).toMatch(/^ +at exports\.failing( \[as call\])? \(.*\/server\.js:9:19\)$/);
    expect(stack[2]).toMatch(/^ +at serveRegular \(.*\/main\.cjs:\d+:\d+\)$/);
  });
}
