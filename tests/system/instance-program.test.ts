import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Assignment,
  encodeJson,
  FETCH_METHOD,
  type FetchRequestHead,
  LINK_VERSION,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { callMethod } from "../harness/http-call.ts";
import { RecordedEvents } from "../harness/joined-links.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { startLinkedChild } from "../harness/linked-child.ts";
import { makeTemporaryFolder } from "../harness/temporary-folder.ts";
import { deployService, testService } from "../harness/test-service.ts";

/** What a host starts, as a bundle. */
const runtimeProgram = fileURLToPath(import.meta.resolve("@leveros/runtime/main"));

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

it("an instance that stops sends the rest of an answer first, although its program has ended", async () => {
  /** A little more than a caller gets that does not read (L2). */
  const bytes = 256 * 1024 + 10_000;
  await using folder = await makeTemporaryFolder();
  await folder.put({
    "server.cjs": `
      const server = require("node:http").createServer((_, response) => response.end(Buffer.alloc(${bytes})));
      server.listen(process.env.PORT, process.env.HOST);
      process.on("SIGTERM", () => require("node:fs").writeFileSync("ended", "") ?? process.exit());`,
  });
  await using runtime = startLinkedChild(runtimeProgram);
  const assignment: Assignment = {
    ...{ environment: "dev.lever", service: "web", version: 1, instance: "web-1-a" },
    codeDir: folder.path,
    entry: [process.execPath, "server.cjs"],
    http: { readyPath: undefined },
    variables: {},
    ...{ bodyBytesMax: 1_000_000, spansMax: 0, spanBytesMax: 0, tracePrefix: "" },
  };
  runtime.link.control({ type: "assign", linkVersion: LINK_VERSION, assignment });
  await eventually(() =>
    runtime.messages.some((message) => (message as { type: string }).type === "ready"),
  );
  const events = new RecordedEvents();
  const target = { environment: "dev.lever", service: "web", resource: "", method: FETCH_METHOD };
  const head: FetchRequestHead = ["GET", "http://a/", ["host", "a"], false];
  const body = encodeJson(head);
  const request = {
    caller: OUTSIDE,
    target,
    isStream: true,
    timeoutMs: 0,
    kind: PAYLOAD_JSON,
    body,
  } as const;
  const side = runtime.link.open(request, events, false);
  side.pause();
  const received = (): number => events.messages.slice(1).reduce((sum, one) => sum + one.length, 0);
  await eventually(() => received() > 200_000);
  runtime.link.control({ type: "stop" });
  runtime.terminate();
  await eventually(() => existsSync(join(folder.path, "ended")));
  side.resume();
  expect(await runtime.exited).toBe(0);
  expect([received(), events.received.at(-1)]).toEqual([bytes, "end"]);
});
