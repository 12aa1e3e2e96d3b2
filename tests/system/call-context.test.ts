import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

const inner = `
const { callContext } = require("leveros");
const seen = [];
exports.context = (resource) => { const { signal, timeLeftMs, ...rest } = copy(callContext()); return { ...rest, timeLeftMs, aborted: signal.aborted }; };
exports.waits = (name, callback) => { callContext().signal.addEventListener("abort", () => seen.push(name)); };
exports.waitsChan = async (stream, name) => { stream.write("open"); callContext().signal.addEventListener("abort", () => seen.push(name)); await new Promise(() => {}); };
exports.seen = () => seen;
exports.later = async () => { const before = callContext() !== undefined; setTimeout(() => seen.push(callContext() === undefined), 1); return before; };
// Its values come from getters, which a spread does not take.
function copy(context) {
  const { environment, service, version, instance, method, resource, caller, timeLeftMs, signal } = context;
  return { environment, service, version, instance, method, resource, caller, timeLeftMs, signal };
}
`;

const outer = `
const { Client } = require("leveros");
const client = new Client();
exports.context = () => client.invokeURL("/inner/room/context");
exports.waits = (name) => client.invokeURL("/inner/waits", name);
exports.waitsChan = async (stream, name) => {
  const remote = await client.invokeChanURL("/inner/waitsChan", name);
  for await (const message of remote) stream.write(message);
};
`;

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  for (const [name, source] of Object.entries({ inner, outer })) {
    const leverJson = JSON.stringify({ name, jsEntry: "server.js" });
    const archive = serviceArchive({ "lever.json": leverJson, "server.js": source });
    expect((await deployArchive(lever.address, archive)).status).toBe(200);
  }
});

afterAll(() => lever.stop());

/** Asks until the inner service has seen it. */
async function untilSeen(name: unknown): Promise<void> {
  for (;;) {
    const seen = (await callMethod(lever.address, "/inner/seen", [])).json() as unknown[];
    if (seen.includes(name)) return;
  }
}

describe("a method's context", () => {
  it("says where it runs, and that a caller from outside is none of its own", async () => {
    const context = (await callMethod(lever.address, "/inner/context", [])).json();
    expect(context).toMatchObject({
      environment: "dev.lever",
      service: "inner",
      version: 1,
      instance: expect.stringMatching(/^inner-1-/),
      method: "context",
      resource: "",
      aborted: false,
    });
    expect(context).not.toHaveProperty("caller");
  });

  it("says which service calls, for which resource, and how much time the whole call has left", async () => {
    const answer = await httpCall(lever.address, "/outer/context?forceenv=dev.lever", {
      headers: { "content-type": "application/json", "lever-timeout": "5s" },
      body: "[]",
    });
    const context = answer.json() as { timeLeftMs: number };
    expect(context).toMatchObject({
      resource: "room",
      caller: { environment: "dev.lever", service: "outer" },
    });
    expect(context.timeLeftMs).toBeGreaterThan(0);
    expect(context.timeLeftMs).toBeLessThanOrEqual(5_000);
  });

  it("tells when the deadline is over, through every service on the way", async () => {
    const answer = await httpCall(lever.address, "/outer/waits?forceenv=dev.lever", {
      headers: { "content-type": "application/json", "lever-timeout": "150" },
      body: '["deadline"]',
    });
    expect(answer.status).toBe(504);
    await untilSeen("deadline");
  });

  it("tells when the caller of a stream has left, through every service on the way", async () => {
    const { Client } = await import("leveros");
    const client = new Client({ forceHost: lever.address });
    const stream = await client.invokeChanURL("lever://dev.lever/outer/waitsChan", "left");
    for await (const message of stream) {
      expect(message).toBe("open");
      break;
    }
    await untilSeen("left");
  });

  it("is over when the call is answered", async () => {
    expect((await callMethod(lever.address, "/inner/later", [])).json()).toBe(true);
    await untilSeen(true);
  });
});
