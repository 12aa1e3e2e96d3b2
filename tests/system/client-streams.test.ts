import { Client, type RemoteStream } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { startProxy, type TestProxy } from "../harness/proxy.ts";
import { deployService, testService } from "../harness/test-service.ts";

const talk = `
exports.echoChan = async (stream, ...args) => {
  if (args.length > 0) stream.write(args);
  for await (const message of stream) stream.write(message);
};
exports.countChan = async function* (stream, to) { for (let i = 1; i <= to; i++) yield i; };
exports.failChan = async function* () { yield 1; throw { code: 7 }; };
exports.failBytesChan = async () => { throw Buffer.from([1, 255]); };
exports.roomChan = async function* (stream, resource, name) { yield resource + ":" + name; };
let left = 0;
exports.leftChan = async (stream) => { stream.write("here"); try { for await (const _ of stream); } catch { left++; } };
exports.left = () => left;
exports.sizeChan = async (stream) => { let size = 0; for await (const bytes of stream) size += bytes.length; stream.write(size); };
`;

// Makes the same calls from another instance, over its link.
const proxy = `
const { Client } = require("leveros");
exports.callChan = async (stream, method, ...args) => {
  const remote = await new Client().invokeChanURL("/talk/" + method, ...args);
  const back = (async () => { for await (const message of remote) if (!stream.write(message)) await new Promise((go) => stream.once("drain", go)); })();
  for await (const message of stream) if (!remote.write(message)) await remote.drained();
  remote.end();
  await back;
};`;

let lever: RunningLever;
let client: Client;
/** A proxy that refuses links, and a client behind it: it uses WebSockets. */
let withoutLinks: TestProxy;
let webSocketClient: Client;

beforeAll(async () => {
  lever = await startLever();
  client = new Client({ forceHost: lever.address });
  withoutLinks = await startProxy(lever.address, "refused");
  webSocketClient = new Client({ forceHost: withoutLinks.address });
  await deployService(lever, testService(talk, { name: "talk" }));
  await deployService(lever, testService(proxy, { name: "proxy" }));
});

afterAll(async () => {
  await withoutLinks?.[Symbol.asyncDispose]();
  await lever?.stop();
});

type Opener = (method: string, ...args: unknown[]) => Promise<RemoteStream>;

const openers: Readonly<Record<string, Opener>> = {
  "over a link": (method, ...args) =>
    client.service("dev.lever", "talk").invokeChan(method, ...args),
  "over a WebSocket": (method, ...args) =>
    webSocketClient.service("dev.lever", "talk").invokeChan(method, ...args),
  "through another service": (method, ...args) =>
    client.invokeChanURL("lever://dev.lever/proxy/callChan", method, ...args),
};

async function all(stream: RemoteStream): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

describe.each(Object.entries(openers))("a stream %s", (how, open) => {
  it(`a stream ${how} brings every message that a service pushes`, async () => {
    const stream = await open("countChan", 1_000);
    stream.end();
    expect(await all(stream)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
  });

  it(`a stream ${how} carries JSON and bytes both ways`, async () => {
    const stream = await open("echoChan", "hello", { a: [null] });
    const messages = stream[Symbol.asyncIterator]();
    expect((await messages.next()).value).toEqual(["hello", { a: [null] }]);
    for (const message of [
      0,
      "é\u{1F600}",
      null,
      [],
      { deep: { er: true } },
      Buffer.from([0, 255]),
    ]) {
      stream.write(message);
      expect((await messages.next()).value).toEqual(message);
    }
    stream.end();
    expect(await messages.next()).toEqual({ done: true, value: undefined });
  });

  it(`a stream ${how} carries 20 MB to a service that reads slowly`, async () => {
    const stream = await open("sizeChan");
    const chunk = Buffer.alloc(100_000, "x");
    for (let i = 0; i < 200; i++) if (!stream.write(chunk)) await stream.drained();
    stream.end();
    expect(await all(stream)).toEqual([20_000_000]);
  });
});

describe.each([
  ["a link", () => client],
  ["a WebSocket", () => webSocketClient],
])("a stream over %s", (transport, of) => {
  const open: Opener = (method, ...args) =>
    of()
      .service("dev.lever", "talk")
      .invokeChan(method, ...args);

  it(`a stream over ${transport} fails with the method's value after its messages`, async () => {
    const stream = await open("failChan");
    const messages = stream[Symbol.asyncIterator]();
    expect((await messages.next()).value).toBe(1);
    await expect(messages.next()).rejects.toMatchObject({
      code: "method_failed",
      value: { code: 7 },
    });
  });

  it(`a stream over ${transport} fails with the method's bytes`, async () => {
    await expect(all(await open("failBytesChan"))).rejects.toMatchObject({
      code: "method_failed",
      value: Buffer.from([1, 255]),
    });
  });

  it.each([
    ["nothingChan", "unknown_method"],
    ["regular", "wrong_method_kind"],
  ])(`over ${transport} a stream of %s fails as %s`, async (method, code) => {
    await expect((async () => all(await open(method)))()).rejects.toMatchObject({ code });
  });

  it(`a stream over ${transport} to a closed port fails as unreachable`, async () => {
    const nowhere = new Client({ forceHost: "127.0.0.1:1" });
    const stream = await nowhere.invokeChanURL("lever://dev.lever/talk/echoChan");
    await expect(all(stream)).rejects.toMatchObject({ code: "unreachable" });
  });

  it(`a stream over ${transport} can be read by events`, async () => {
    const messages = await new Promise<unknown[]>((resolve, reject) => {
      of().invokeChanURL("lever://dev.lever/talk/countChan", 3, (error, stream) => {
        if (error !== null) return reject(error);
        const received: unknown[] = [];
        stream.on("data", (message) => received.push(message));
        stream.on("end", () => resolve(received));
        stream.on("error", reject);
      });
    });
    expect(messages).toEqual([1, 2, 3]);
  });

  it(`a stream over ${transport} reaches its resource`, async () => {
    const stream = await of().resource("dev.lever", "talk", "a/b").invokeChan("roomChan", "x");
    expect(await all(stream)).toEqual(["a/b:x"]);
  });

  const leftCount = async (): Promise<number> =>
    (await callMethod(lever.address, "/talk/left", [])).json() as number;

  it(`a service learns that the reader of a stream over ${transport} has left`, async () => {
    const before = await leftCount();
    for await (const message of await open("leftChan")) {
      expect(message).toBe("here");
      break;
    }
    await eventually(async () => (await leftCount()) === before + 1);
  });

  it(`a service learns that a stream over ${transport} was cancelled`, async () => {
    const before = await leftCount();
    const cancellation = new AbortController();
    const stream = await of()
      .with({ signal: cancellation.signal })
      .invokeChanURL("lever://dev.lever/talk/leftChan");
    const messages = stream[Symbol.asyncIterator]();
    expect((await messages.next()).value).toBe("here");
    cancellation.abort();
    await expect(messages.next()).rejects.toMatchObject({ code: "cancelled" });
    await eventually(async () => (await leftCount()) === before + 1);
  });

  it(`a stream over ${transport} fails at its deadline`, async () => {
    const stream = await of()
      .with({ timeoutMs: 150 })
      .invokeChanURL("lever://dev.lever/talk/echoChan");
    await expect(all(stream)).rejects.toMatchObject({ code: "deadline_exceeded" });
  });
});
