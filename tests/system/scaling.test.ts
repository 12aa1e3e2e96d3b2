import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instancesOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = (version: number): string => `
exports.hold = async (ms) => { await new Promise((done) => setTimeout(done, ms)); return process.env.LEVEROS_INSTANCE_ID; };
exports.echoChan = async (stream) => { for await (const message of stream) stream.write([${version}, message]); };
`;

let lever: RunningLever;
let client: Client;

beforeAll(async () => {
  const limits = ["scaleDownAfterMs=400", "idleTimeoutMs=600"];
  lever = await startLever({ args: limits.flatMap((limit) => ["--limit", limit]) });
  client = new Client({ forceHost: lever.address });
});

afterAll(() => lever.stop());

async function deploy(name: string, version: number, fields: object = {}): Promise<void> {
  const deployed = testService(service(version), { name, maxInstanceLoad: 5, ...fields });
  expect(await deployService(lever, deployed)).toMatchObject({ version });
}

async function untilInstances(name: string, count: number): Promise<void> {
  await eventually(async () => (await instancesOf(lever, name)).length === count);
}

describe("a service", () => {
  it("a service gets as many instances as its load needs", async () => {
    await deploy("busy", 1);
    let isDone = false;
    const used = new Set<unknown>();
    const caller = async (): Promise<void> => {
      while (!isDone) used.add(await client.service("dev.lever", "busy").invoke("hold", 20));
    };
    const callers = Array.from({ length: 18 }, caller);
    // 18 calls at once, 5 for each instance.
    await untilInstances("busy", 4);
    await eventually(() => used.size === 4);
    isDone = true;
    await Promise.all(callers);
  });

  it("a service that is not called has no instance after idleTimeoutMs", async () => {
    await deploy("idle", 1);
    await client.service("dev.lever", "idle").invoke("hold", 0);
    await untilInstances("idle", 0);
  });

  it("a service gets no more instances than its maxInstances", async () => {
    await deploy("bounded", 1, { maxInstances: 2 });
    const held = Array.from({ length: 30 }, () =>
      client.service("dev.lever", "bounded").invoke("hold", 500),
    );
    const used = new Set(await Promise.all(held));
    expect(used.size).toBeLessThanOrEqual(2);
    expect((await instancesOf(lever, "bounded")).length).toBeLessThanOrEqual(2);
  });

  it("an instance stays while a stream on it is open and silent", async () => {
    await deploy("silent", 1);
    const stream = await client.service("dev.lever", "silent").invokeChan("echoChan");
    const messages = stream[Symbol.asyncIterator]();
    stream.write("one");
    expect((await messages.next()).value).toEqual([1, "one"]);
    // Another service, used later, idles for idleTimeoutMs and loses its instance.
    await deploy("witness", 1);
    await untilInstances("witness", 0);
    stream.write("two");
    expect((await messages.next()).value).toEqual([1, "two"]);
    stream.end();
    expect((await messages.next()).done).toBe(true);
  });

  it("an instance stops after the last stream on it has ended", async () => {
    await deploy("streaming", 1);
    const stream = await client.service("dev.lever", "streaming").invokeChan("echoChan");
    const messages = stream[Symbol.asyncIterator]();
    stream.write("one");
    expect((await messages.next()).value).toEqual([1, "one"]);
    stream.end();
    expect((await messages.next()).done).toBe(true);
    await untilInstances("streaming", 0);
  });
});

describe("a deploy while a stream is open", () => {
  type Talk = AsyncIterator<unknown> & { say(text: string): void; end(): void };
  let old: Talk;
  let young: Talk;

  const open = async (): Promise<Talk> => {
    const stream = await client.service("dev.lever", "changing").invokeChan("echoChan");
    const messages = stream[Symbol.asyncIterator]();
    return {
      next: () => messages.next(),
      say: (text) => stream.write(text),
      end: () => stream.end(),
    };
  };

  beforeAll(async () => {
    await deploy("changing", 1);
    old = await open();
    old.say("before");
    expect((await old.next()).value).toEqual([1, "before"]);
    await deploy("changing", 2);
    young = await open();
  });

  it("a stream that is opened after a deploy has the new version", async () => {
    young.say("hello");
    expect((await young.next()).value).toEqual([2, "hello"]);
  });

  it("a stream from before a deploy stays on the old version", async () => {
    old.say("after");
    expect((await old.next()).value).toEqual([1, "after"]);
    const versions = (await instancesOf(lever, "changing")).map(({ version }) => version);
    expect(versions.sort()).toEqual([1, 2]);
  });

  it("the old version has no instance after its last stream has ended", async () => {
    old.end();
    expect((await old.next()).done).toBe(true);
    await eventually(async () =>
      (await instancesOf(lever, "changing")).every(({ version }) => version === 2),
    );
    young.end();
  });
});
