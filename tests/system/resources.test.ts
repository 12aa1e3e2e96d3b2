import { Client, type RemoteStream } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instancesOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

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

const deploy = (name: string, fields: object = {}, code = service): Promise<unknown> =>
  deployService(lever, testService(code, { name, ...fields }));

const use = async (name: string, resource: string, ms = 0): Promise<Use> =>
  (await client.resource("dev.lever", name, resource).invoke("use", ms)) as Use;

type Entry = readonly [event: string, resource: string, epoch: number];

const history = async (name: string): Promise<Entry[]> =>
  (await client.service("dev.lever", name).invoke("history")) as Entry[];

describe("a resource that two calls use at once and no later call uses", () => {
  let uses: Use[];
  let seen: Entry[];

  beforeAll(async () => {
    await deploy("idle", { maxInstances: 1 });
    uses = await Promise.all([use("idle", "slow"), use("idle", "slow")]);
    seen = await eventually(async () => {
      const entries = await history("idle");
      return entries.length >= 6 && entries;
    });
  });

  it("a resource opens before its first call and closes when it is idle", () => {
    expect(seen.map(([event]) => event)).toEqual(["new", "use", "use", "used", "used", "close"]);
  });

  it("a resource has one epoch while it is open", () => {
    const [first, second] = uses;
    expect(first).toEqual(second);
    expect(first?.epoch).toBeGreaterThan(0);
    expect(seen.every(([, , epoch]) => epoch === first?.epoch)).toBe(true);
  });

  it("a resource has a higher epoch when it opens again", async () => {
    expect((await use("idle", "slow")).epoch).toBeGreaterThan(uses[0]?.epoch ?? Number.NaN);
  });
});

describe("the resources of a service with two instances", () => {
  let owners: Map<string, Use[]>;

  beforeAll(async () => {
    await deploy("many", { minInstances: 2, maxInstances: 2 });
    await eventually(async () => {
      const instances = await instancesOf(lever, "many");
      return instances.filter(({ state }) => state === "ready").length === 2;
    });
    const names = Array.from({ length: 20 }, (_, index) => `r/${index}`);
    const uses = await Promise.all(
      names.flatMap((name) => [use("many", name, 50), use("many", name, 50), use("many", name)]),
    );
    owners = Map.groupBy(uses, ({ resource }) => resource);
  });

  it("a resource is on one instance", () => {
    expect(owners.size).toBe(20);
    for (const uses of owners.values())
      expect(new Set(uses.map(({ instance }) => instance)).size).toBe(1);
  });

  it("instances have equally many resources", () => {
    const perInstance = Map.groupBy([...owners.values()], ([first]) => first?.instance);
    expect([...perInstance.values()].map(({ length }) => length)).toEqual([10, 10]);
  });
});

describe("a resource that cannot be opened", () => {
  beforeAll(() => deploy("picky"));

  it("calls of a resource that cannot be opened fail with the reason", async () => {
    const answer = await callMethod(lever.address, "/picky/bad/use", []);
    expect(answer.status).toBe(502);
    expect(answer.json()).toMatchObject({
      code: "resource_failed",
      detail: "Cannot use the resource bad: newResource failed: there is no such thing",
    });
  });

  it("a resource opens although another one of its service cannot", async () => {
    expect((await use("picky", "good")).resource).toBe("good");
  });
});

it("a resource moves to another instance with a higher epoch when its own dies", async () => {
  await deploy("mortal");
  const before = await use("mortal", "r");
  const died = client.resource("dev.lever", "mortal", "r").invoke("die");
  await expect(died).rejects.toMatchObject({ code: "instance_failed" });
  const after = await use("mortal", "r");
  expect(after.instance).not.toBe(before.instance);
  expect(after.epoch).toBeGreaterThan(before.epoch);
});

it("a call fails once when newResource ends its instance, and is not tried on others", async () => {
  await deploy("deadly", {}, "exports.newResource = () => process.exit(3); exports.use = () => 1;");
  await expect(use("deadly", "r")).rejects.toMatchObject({
    code: "instance_failed",
    message: expect.stringContaining("exited with status 3"),
  });
});

describe("a resource that a call uses during a deploy", () => {
  let before: Use;
  let slow: Use;
  let after: Use;

  beforeAll(async () => {
    await deploy("changing");
    before = await use("changing", "r");
    const slowCall = use("changing", "r", 300);
    // The old version answers, which has the slow call.
    await eventually(async () => (await history("changing")).length >= 4);
    await deploy("changing");
    after = await use("changing", "r");
    slow = await slowCall;
  });

  it("a call under way keeps its resource through a deploy", () => {
    expect(slow.epoch).toBe(before.epoch);
  });

  it("a deploy moves a resource to the new version with a higher epoch", () => {
    expect(after.instance).not.toBe(before.instance);
    expect(after.epoch).toBeGreaterThan(before.epoch);
  });

  it("the old version has no instance once its resources have moved", async () => {
    await eventually(async () => (await instancesOf(lever, "changing")).length === 1);
  });
});

describe("a resource with an open stream during a deploy", () => {
  let early: RemoteStream;
  let late: RemoteStream;
  let earlyMessages: AsyncIterator<unknown>;
  let instance: unknown;

  beforeAll(async () => {
    await deploy("room");
    const room = client.resource("dev.lever", "room", "lobby");
    early = await room.invokeChan("joinChan");
    earlyMessages = early[Symbol.asyncIterator]();
    instance = (await earlyMessages.next()).value;
    await deploy("room");
    late = await room.invokeChan("joinChan");
  });

  it("a new stream joins the open ones on the old version", async () => {
    expect((await late[Symbol.asyncIterator]().next()).value).toBe(instance);
  });

  it("a stream of a resource goes on through a deploy", async () => {
    early.write("still there");
    expect((await earlyMessages.next()).value).toBe("still there");
  });

  it("calls of a resource go to the old version while streams are open there", async () => {
    expect((await use("room", "lobby")).instance).toBe(instance);
  });

  it("a resource moves to the new version once its streams have ended", async () => {
    early.end();
    late.end();
    await eventually(async () => (await instancesOf(lever, "room")).length === 1);
    expect((await use("room", "lobby")).instance).not.toBe(instance);
  });
});

it("a resource moves only after the functions that work for it have ended", async () => {
  await deploy("stuck");
  const { instance } = await use("stuck", "r");
  const hanging = client.with({ timeoutMs: 50 }).resource("dev.lever", "stuck", "r").invoke("hang");
  await expect(hanging).rejects.toMatchObject({ code: "deadline_exceeded" });
  // The function never ends, so Lever ends its instance.
  await eventually(async () =>
    (await instancesOf(lever, "stuck")).every((running) => running.instance !== instance),
  );
  expect((await use("stuck", "r")).instance).not.toBe(instance);
});

it("a service without hooks can be called with resources", async () => {
  await deploy("plain", {}, "exports.use = (resource, n) => [resource, n];");
  expect(await use("plain", "a/b", 5)).toEqual(["a/b", 5]);
});
