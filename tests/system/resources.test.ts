import { setTimeout as delay } from "node:timers/promises";
import type { ServiceListing } from "@leveros/protocol";
import { Client, type RemoteStream } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

const service = `
const { callContext } = require("leveros");
const history = [];
const note = (what) => { const { resource, epoch, instance, method } = callContext(); history.push([what, resource, epoch]); return { resource, epoch, instance, method }; };
exports.newResource = async (resource) => {
  note("new");
  if (resource === "bad") throw new Error("there is no such thing");
  if (resource === "slow") await new Promise((done) => setTimeout(done, 100));
};
exports.closeResource = (resource, callback) => { note("close"); setTimeout(callback, 20); };
exports.use = (resource, ms = 0) => { const noted = note("use"); return new Promise((done) => setTimeout(() => { note("used"); done(noted); }, ms)); };
exports.hang = () => new Promise(() => {});
exports.history = () => history;
exports.die = () => process.exit(3);
exports.joinChan = async (stream, resource) => { stream.write(note("joined").instance); for await (const message of stream) stream.write(message); };
`;

interface Use {
  readonly resource: string;
  readonly epoch: number;
  readonly instance: string;
}

let lever: RunningLever;
let client: Client;

beforeAll(async () => {
  const limits = ["resourceIdleTimeoutMs=300", "resourceHookTimeoutMs=500", "drainTimeoutMs=500"];
  lever = await startLever({ args: limits.flatMap((limit) => ["--limit", limit]) });
  client = new Client({ forceHost: lever.address });
});

afterAll(() => lever.stop());

async function deploy(name: string, fields: object = {}, code = service): Promise<void> {
  const leverJson = JSON.stringify({ name, jsEntry: "server.js", ...fields });
  const archive = serviceArchive({ "lever.json": leverJson, "server.js": code });
  expect((await deployArchive(lever.address, archive)).json()).toMatchObject({ service: name });
}

const use = async (name: string, resource: string, ms = 0): Promise<Use> =>
  (await client.resource("dev.lever", name, resource).invoke("use", ms)) as Use;

const history = async (name: string): Promise<unknown[]> =>
  (await client.service("dev.lever", name).invoke("history")) as unknown[];

async function instancesOf(name: string): Promise<ServiceListing["instances"]> {
  const admin = client.service("admin.lever", "admin");
  const listings = (await admin.invoke("listServices", "dev.lever")) as ServiceListing[];
  return listings.find((listing) => listing.service === name)?.instances ?? [];
}

async function messagesOf(
  stream: RemoteStream,
): Promise<{ next(): Promise<IteratorResult<unknown>> }> {
  return stream[Symbol.asyncIterator]();
}

describe("a resource", () => {
  it("is opened before its first call, with an epoch, and closed after its last when nobody uses it", async () => {
    await deploy("idle", { maxInstances: 1 });
    const [first, second] = await Promise.all([use("idle", "slow"), use("idle", "slow")]);
    expect(first).toEqual(second);
    expect(first.epoch).toBeGreaterThan(0);
    const { epoch } = first;
    let seen: unknown[] = [];
    while (seen.length < 6) seen = await history("idle");
    expect(seen.map((entry) => (entry as unknown[])[0])).toEqual([
      "new",
      "use",
      "use",
      "used",
      "used",
      "close",
    ]);
    expect(seen.every((entry) => (entry as unknown[])[2] === epoch)).toBe(true);
    expect((await use("idle", "slow")).epoch).toBeGreaterThan(epoch);
  });

  it("is on one instance, while the service has several, and they are balanced", async () => {
    await deploy("many", { minInstances: 2, maxInstances: 2 });
    while ((await instancesOf("many")).filter(({ state }) => state === "ready").length < 2);
    const names = Array.from({ length: 20 }, (_, index) => `r/${index}`);
    const uses = await Promise.all(
      names.flatMap((name) => [use("many", name, 50), use("many", name, 50), use("many", name)]),
    );
    const owners = Map.groupBy(uses, ({ resource }) => resource);
    expect(owners.size).toBe(20);
    for (const of of owners.values())
      expect(new Set(of.map(({ instance }) => instance)).size).toBe(1);
    const perInstance = Map.groupBy([...owners.values()], ([of]) => of?.instance);
    expect([...perInstance.values()].map(({ length }) => length)).toEqual([10, 10]);
  });

  it("that cannot be opened fails its calls with the reason, and others are fine", async () => {
    await deploy("picky");
    const answer = await callMethod(lever.address, "/picky/bad/use", []);
    expect(answer.status).toBe(502);
    expect(answer.json()).toMatchObject({
      code: "resource_failed",
      detail: "Cannot use the resource bad: newResource failed: there is no such thing",
    });
    expect((await use("picky", "good")).resource).toBe("good");
  });

  it("goes to another instance when its own dies, with a higher epoch", async () => {
    await deploy("mortal");
    const before = await use("mortal", "r");
    const died = client.resource("dev.lever", "mortal", "r").invoke("die");
    await expect(died).rejects.toMatchObject({ code: "instance_failed" });
    const after = await use("mortal", "r");
    expect(after.instance).not.toBe(before.instance);
    expect(after.epoch).toBeGreaterThan(before.epoch);
  });

  it("is handed over by a deploy: calls in flight finish, then closeResource, then the others", async () => {
    await deploy("changing");
    const before = await use("changing", "r");
    const slow = use("changing", "r", 300);
    // Answered by the version that the slow call is on.
    while ((await history("changing")).length < 4);
    await deploy("changing");
    const after = await use("changing", "r");
    expect((await slow).epoch).toBe(before.epoch);
    expect(after.instance).not.toBe(before.instance);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    while ((await instancesOf("changing")).length > 1) await delay(10);
  });

  it("stays on the old version for as long as streams are open on it, with everyone who joins them", async () => {
    await deploy("room");
    const room = client.resource("dev.lever", "room", "lobby");
    const early = await room.invokeChan("joinChan");
    const heard = await messagesOf(early);
    const { value: instance } = await heard.next();
    await deploy("room");
    const late = await room.invokeChan("joinChan");
    expect((await (await messagesOf(late)).next()).value).toBe(instance);
    early.write("still there");
    expect((await heard.next()).value).toBe("still there");
    const after = (async () => (await use("room", "lobby")).instance)();
    expect(await after).toBe(instance);
    early.end();
    late.end();
    while ((await instancesOf("room")).length > 1) await delay(10);
    expect((await use("room", "lobby")).instance).not.toBe(instance);
  });

  it("is not given to anyone else while a function still works for it, though its caller has left", async () => {
    await deploy("stuck");
    const { instance } = await use("stuck", "r");
    const hanging = client
      .with({ timeoutMs: 50 })
      .resource("dev.lever", "stuck", "r")
      .invoke("hang");
    await expect(hanging).rejects.toMatchObject({ code: "deadline_exceeded" });
    // It does not come to its end: the instance has to.
    while ((await instancesOf("stuck")).some((running) => running.instance === instance));
    expect((await use("stuck", "r")).instance).not.toBe(instance);
  });

  it("needs no hooks", async () => {
    await deploy("plain", {}, "exports.use = (resource, n) => [resource, n];");
    expect(await use("plain", "a/b", 5)).toEqual(["a/b", 5]);
  });
});
