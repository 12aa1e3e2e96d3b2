import { Client, type RemoteStream } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { openPassage, type Passage } from "../harness/passage.ts";

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

// The same calls from within another instance, over its link.
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
let blind: Passage;
let pastLinks: Client;

beforeAll(async () => {
  lever = await startLever();
  client = new Client({ forceHost: lever.address });
  blind = await openPassage(lever.address, "answered");
  pastLinks = new Client({ forceHost: blind.address });
  for (const [name, source] of Object.entries({ talk, proxy })) {
    const leverJson = JSON.stringify({ name, jsEntry: "server.js" });
    const archive = serviceArchive({ "lever.json": leverJson, "server.js": source });
    expect((await deployArchive(lever.address, archive)).status).toBe(200);
  }
});

afterAll(async () => {
  await blind?.[Symbol.asyncDispose]();
  await lever?.stop();
});

type Opener = (method: string, ...args: unknown[]) => Promise<RemoteStream>;

const openers: Readonly<Record<string, Opener>> = {
  "over a link": (method, ...args) =>
    client.service("dev.lever", "talk").invokeChan(method, ...args),
  "over a WebSocket, where no link is to be had": (method, ...args) =>
    pastLinks.service("dev.lever", "talk").invokeChan(method, ...args),
  "through another service": (method, ...args) =>
    client.invokeChanURL("lever://dev.lever/proxy/callChan", method, ...args),
};

async function all(stream: RemoteStream): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

describe.each(Object.entries(openers))("a stream %s", (_name, open) => {
  it("brings what a service pushes", async () => {
    const stream = await open("countChan", 1_000);
    stream.end();
    expect(await all(stream)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
  });

  it("talks both ways, in JSON and in bytes", async () => {
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

  it("carries a lot of bytes, no faster than they are read", async () => {
    const stream = await open("sizeChan");
    const chunk = Buffer.alloc(100_000, "x");
    for (let i = 0; i < 200; i++) if (!stream.write(chunk)) await stream.drained();
    stream.end();
    expect(await all(stream)).toEqual([20_000_000]);
  });
});

describe.each([
  ["a link", () => client],
  ["a WebSocket", () => pastLinks],
])("a stream over %s", (_name, of) => {
  const open: Opener = (method, ...args) =>
    of()
      .service("dev.lever", "talk")
      .invokeChan(method, ...args);

  it("fails with the method's own value, after the messages that came before", async () => {
    const stream = await open("failChan");
    const messages = stream[Symbol.asyncIterator]();
    expect((await messages.next()).value).toBe(1);
    await expect(messages.next()).rejects.toMatchObject({
      code: "method_failed",
      value: { code: 7 },
    });
    await expect(all(await open("failBytesChan"))).rejects.toMatchObject({
      code: "method_failed",
      value: Buffer.from([1, 255]),
    });
  });

  it.each([
    ["nothingChan", "unknown_method"],
    ["regular", "wrong_method_kind"],
  ])("of %s fails with Lever's code", async (method, code) => {
    await expect((async () => all(await open(method)))()).rejects.toMatchObject({ code });
  });

  it("that nobody answers is unreachable", async () => {
    const nowhere = new Client({ forceHost: "127.0.0.1:1" });
    const stream = await nowhere.invokeChanURL("lever://dev.lever/talk/echoChan");
    await expect(all(stream)).rejects.toMatchObject({ code: "unreachable" });
  });

  it("can be read by events, in the way of the original", async () => {
    const messages = await new Promise<unknown[]>((resolve, reject) => {
      of().invokeChanURL("lever://dev.lever/talk/countChan", 3, (error, stream) => {
        if (error !== null) return reject(error);
        const heard: unknown[] = [];
        stream.on("data", (message) => heard.push(message));
        stream.on("end", () => resolve(heard));
        stream.on("error", reject);
      });
    });
    expect(messages).toEqual([1, 2, 3]);
  });

  it("names a resource", async () => {
    const stream = await of().resource("dev.lever", "talk", "a/b").invokeChan("roomChan", "x");
    expect(await all(stream)).toEqual(["a/b:x"]);
  });

  it("that is left early tells the service", async () => {
    const before = (await callMethod(lever.address, "/talk/left", [])).json() as number;
    for await (const message of await open("leftChan")) {
      expect(message).toBe("here");
      break;
    }
    const aborted = new AbortController();
    const stream = await of()
      .with({ signal: aborted.signal })
      .invokeChanURL("lever://dev.lever/talk/leftChan");
    const messages = stream[Symbol.asyncIterator]();
    expect((await messages.next()).value).toBe("here");
    aborted.abort();
    await expect(messages.next()).rejects.toMatchObject({ code: "cancelled" });
    // The service hears of it in its own time.
    for (;;) {
      const left = (await callMethod(lever.address, "/talk/left", [])).json();
      if (left === before + 2) break;
    }
  });

  it("has its deadline held", async () => {
    const stream = await of()
      .with({ timeoutMs: 150 })
      .invokeChanURL("lever://dev.lever/talk/echoChan");
    await expect(all(stream)).rejects.toMatchObject({ code: "deadline_exceeded" });
  });
});
