import { setTimeout as delay } from "node:timers/promises";
import type { ServiceListing } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

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
  const leverJson = JSON.stringify({ name, jsEntry: "server.js", maxInstanceLoad: 5, ...fields });
  const archive = serviceArchive({ "lever.json": leverJson, "server.js": service(version) });
  expect((await deployArchive(lever.address, archive)).json()).toMatchObject({ version });
}

async function instancesOf(name: string): Promise<ServiceListing["instances"]> {
  const admin = client.service("admin.lever", "admin");
  const listings = (await admin.invoke("listServices", "dev.lever")) as ServiceListing[];
  return listings.find((listing) => listing.service === name)?.instances ?? [];
}

/** Asks until there are so many; the test's own time limit is the only other end. */
async function untilInstances(name: string, count: number): Promise<void> {
  while ((await instancesOf(name)).length !== count) await delay(10);
}

describe("a service", () => {
  it("gets as many instances as its load needs, and none when it idles", async () => {
    await deploy("busy", 1);
    let isDone = false;
    const used = new Set<unknown>();
    const caller = async (): Promise<void> => {
      while (!isDone) used.add(await client.service("dev.lever", "busy").invoke("hold", 20));
    };
    const callers = Array.from({ length: 18 }, caller);
    // 18 calls at once, 5 for each instance.
    await untilInstances("busy", 4);
    while (used.size < 4) await delay(10);
    isDone = true;
    await Promise.all(callers);
    await untilInstances("busy", 0);
  });

  it("gets no more instances than it may have", async () => {
    await deploy("bounded", 1, { maxInstances: 2 });
    const held = Array.from({ length: 30 }, () =>
      client.service("dev.lever", "bounded").invoke("hold", 500),
    );
    const used = new Set(await Promise.all(held));
    expect(used.size).toBeLessThanOrEqual(2);
    expect((await instancesOf("bounded")).length).toBeLessThanOrEqual(2);
  });

  it("keeps an instance for as long as a stream is open on it, however silent", async () => {
    await deploy("silent", 1);
    const stream = await client.service("dev.lever", "silent").invokeChan("echoChan");
    const messages = stream[Symbol.asyncIterator]();
    stream.write("one");
    expect((await messages.next()).value).toEqual([1, "one"]);
    // Longer than the service may idle.
    await delay(1_500);
    stream.write("two");
    expect((await messages.next()).value).toEqual([1, "two"]);
    stream.end();
    expect((await messages.next()).done).toBe(true);
    await untilInstances("silent", 0);
  });

  it("keeps streams on the old version through a deploy, and gives new ones to the new version", async () => {
    await deploy("changing", 1);
    const open = async (): Promise<
      AsyncIterator<unknown> & { say(text: string): void; end(): void }
    > => {
      const stream = await client.service("dev.lever", "changing").invokeChan("echoChan");
      const messages = stream[Symbol.asyncIterator]();
      return {
        next: () => messages.next(),
        say: (text) => stream.write(text),
        end: () => stream.end(),
      };
    };
    const old = await open();
    old.say("before");
    expect((await old.next()).value).toEqual([1, "before"]);
    await deploy("changing", 2);
    const young = await open();
    young.say("hello");
    old.say("after");
    expect((await young.next()).value).toEqual([2, "hello"]);
    expect((await old.next()).value).toEqual([1, "after"]);
    const versions = (await instancesOf("changing")).map(({ version }) => version);
    expect(versions.sort()).toEqual([1, 2]);
    old.end();
    expect((await old.next()).done).toBe(true);
    while ((await instancesOf("changing")).some(({ version }) => version === 1)) await delay(10);
    young.end();
  });
});
