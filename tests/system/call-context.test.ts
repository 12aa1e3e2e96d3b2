import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { callMethod, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const inner = `
const { callContext } = require("leveros");
const seen = [];
exports.context = (resource) => { const { signal, timeLeftMs, ...rest } = copy(callContext()); return { ...rest, timeLeftMs, aborted: signal.aborted }; };
exports.waits = (name, callback) => { callContext().signal.addEventListener("abort", () => seen.push(name)); };
exports.waitsChan = async (stream, name) => { stream.write("open"); callContext().signal.addEventListener("abort", () => seen.push(name)); await new Promise(() => {}); };
exports.seen = () => seen;
exports.later = async () => { const before = callContext() !== undefined; setTimeout(() => seen.push(callContext() === undefined), 1); return before; };
// The values come from getters, which a spread does not copy.
function copy(context) {
  const { id, environment, service, version, instance, method, resource, caller, timeLeftMs, signal } = context;
  return { id, environment, service, version, instance, method, resource, caller, timeLeftMs, signal };
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
  await deployService(lever, testService(inner, { name: "inner" }));
  await deployService(lever, testService(outer, { name: "outer" }));
});

afterAll(() => lever.stop());

/** Waits until the inner service has seen it. */
async function untilSeen(name: unknown): Promise<void> {
  await eventually(async () => {
    const seen = (await callMethod(lever.address, "/inner/seen", [])).json() as unknown[];
    return seen.includes(name);
  });
}

describe("a method's context", () => {
  it("a method's context names where the method runs", async () => {
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
  });

  it("a method's context has the id that the answer names to a caller who asks", async () => {
    const headers = { "content-type": "application/json", "lever-trace": "1" };
    const path = "/inner/context?forceenv=dev.lever";
    const answer = await httpCall(lever.address, path, { headers, body: "[]" });
    expect(answer.headers["lever-call"]).toMatch(/^[a-z][0-9a-z]{2}-[0-9a-z]+$/);
    expect(answer.json()).toMatchObject({ id: answer.headers["lever-call"] });
  });

  it("the context of a call from outside has no caller", async () => {
    const context = (await callMethod(lever.address, "/inner/context", [])).json();
    expect(context).not.toHaveProperty("caller");
  });

  describe("of a call from another service", () => {
    let context: { timeLeftMs: number };

    beforeAll(async () => {
      const answer = await httpCall(lever.address, "/outer/context?forceenv=dev.lever", {
        headers: { "content-type": "application/json", "lever-timeout": "5s" },
        body: "[]",
      });
      context = answer.json() as { timeLeftMs: number };
    });

    it("the context of a call between services names resource and caller", () => {
      expect(context).toMatchObject({
        resource: "room",
        caller: { environment: "dev.lever", service: "outer" },
      });
    });

    it("the context of a call between services has the time left of the first call", () => {
      expect(context.timeLeftMs).toBeGreaterThan(0);
      expect(context.timeLeftMs).toBeLessThanOrEqual(5_000);
    });
  });

  it("the signal of every service on the way fires at the deadline", async () => {
    const answer = await httpCall(lever.address, "/outer/waits?forceenv=dev.lever", {
      headers: { "content-type": "application/json", "lever-timeout": "150" },
      body: '["deadline"]',
    });
    expect(answer.status).toBe(504);
    await untilSeen("deadline");
  });

  it("the signal of every service on the way fires when the caller has left", async () => {
    const client = new Client({ forceHost: lever.address });
    const stream = await client.invokeChanURL("lever://dev.lever/outer/waitsChan", "left");
    for await (const message of stream) {
      expect(message).toBe("open");
      break;
    }
    await untilSeen("left");
  });

  it("a method has no context after its call is answered", async () => {
    expect((await callMethod(lever.address, "/inner/later", [])).json()).toBe(true);
    await untilSeen(true);
  });
});
