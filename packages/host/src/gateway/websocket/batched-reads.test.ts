import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { BatchedReads } from "./batched-reads.ts";

let server: Server;
/** The caller's end, and the end that is read. */
let caller: Socket;
let connection: Socket;
let reading: BatchedReads;
let heard: string[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  [caller, connection] = await connected();
  reading = new BatchedReads(connection);
  heard = [];
  connection.on("data", (chunk) => heard.push(chunk.toString()));
});

afterEach(() => {
  vi.useRealTimers();
  caller.destroy();
  connection.destroy();
  server.close();
});

async function connected(): Promise<[Socket, Socket]> {
  const from = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [to] = (await once(server, "connection")) as [Socket];
  return [from, to];
}

/** The caller sends, and whatever is read of it has been heard. */
async function sends(...texts: string[]): Promise<void> {
  for (const text of texts) await new Promise((resolve) => caller.write(text, resolve));
  // What comes later, by another way, is heard later than what was there before.
  const [from, to] = await connected();
  const isHeard = once(to, "data");
  from.write("after");
  await isHeard;
  from.destroy();
  to.destroy();
}

async function passOn(count: number, bytes = 10): Promise<void> {
  for (let i = 0; i < count; i++) reading.onForwarded(bytes);
  await turn();
}

const turn = (): Promise<void> => new Promise(setImmediate);

it("leaves what comes while the method is at work, and reads it together once it has answered", async () => {
  await passOn(2);
  await sends("a", "b", "c");
  expect(heard).toEqual([]);
  const read = once(connection, "data");
  reading.onReply();
  await read;
  expect(heard).toEqual(["abc"]);
});

it("waits no longer than a millisecond for an answer", async () => {
  await passOn(2);
  await sends("a");
  const read = once(connection, "data");
  vi.advanceTimersByTime(1);
  await read;
  expect(heard).toEqual(["a"]);
});

it.each([
  ["to one message only, for whose answer the caller may be waiting", 1, 10],
  ["of a method that does not answer what it gets", 1_025, 10],
  ["to a long message", 2, 4_097],
])("waits for no answer %s", async (_, count, bytes) => {
  await passOn(count, bytes);
  await sends("a");
  expect(heard).toEqual(["a"]);
});

it("leaves a paused connection to who has paused it", async () => {
  await passOn(2);
  connection.pause();
  await sends("a");
  reading.onReply();
  await sends("b");
  expect(heard).toEqual([]);
  const read = once(connection, "data");
  connection.resume();
  await read;
  expect(heard.join("")).toBe("ab");
});

it("is read to its end, also after more has come than a paused connection holds", async () => {
  connection.pause();
  const long = "x".repeat(connection.readableHighWaterMark);
  await sends(long, long);
  await passOn(2);
  reading.onReply();
  connection.resume();
  caller.end("end");
  await once(connection, "end");
  expect(heard.join("")).toBe(`${long}${long}end`);
});

it("has nothing more to do with a connection that is closed", async () => {
  await passOn(2);
  connection.destroy();
  vi.advanceTimersByTime(1);
  await passOn(2);
  reading.resume();
  expect(vi.getTimerCount()).toBe(0);
});
