import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { BatchedReads } from "./batched-reads.ts";

let server: Server;
/** The caller's end, and the end that the gateway reads. */
let caller: Socket;
let connection: Socket;
let reading: BatchedReads;
let received: string[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  [caller, connection] = await connected();
  reading = new BatchedReads(connection);
  received = [];
  connection.on("data", (chunk) => received.push(chunk.toString()));
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

/** The caller sends, and everything that the gateway reads of it is received. */
async function sends(...texts: string[]): Promise<void> {
  for (const text of texts) await new Promise((resolve) => caller.write(text, resolve));
  // Bytes that arrive later on another connection are received after those.
  const [from, to] = await connected();
  const isReceived = once(to, "data");
  from.write("after");
  await isReceived;
  from.destroy();
  to.destroy();
}

async function forward(count: number, bytes = 10): Promise<void> {
  for (let i = 0; i < count; i++) reading.onForwarded(bytes);
  await turn();
}

const turn = (): Promise<void> => new Promise(setImmediate);

it("messages that arrive while the method is busy are read together after its reply", async () => {
  await forward(2);
  await sends("a", "b", "c");
  expect(received).toEqual([]);
  const read = once(connection, "data");
  reading.onReply();
  await read;
  expect(received).toEqual(["abc"]);
});

it("reading stops for a millisecond at most", async () => {
  await forward(2);
  await sends("a");
  const read = once(connection, "data");
  vi.advanceTimersByTime(1);
  await read;
  expect(received).toEqual(["a"]);
});

it.each([
  ["after one message, whose reply the caller may wait for", 1, 10],
  ["of a method that does not reply to its messages", 1_025, 10],
  ["after a long message", 2, 4_097],
])("reading does not wait for a reply %s", async (_, count, bytes) => {
  await forward(count, bytes);
  await sends("a");
  expect(received).toEqual(["a"]);
});

it("a connection that is paused otherwise stays paused", async () => {
  await forward(2);
  connection.pause();
  await sends("a");
  reading.onReply();
  await sends("b");
  expect(received).toEqual([]);
  const read = once(connection, "data");
  connection.resume();
  await read;
  expect(received.join("")).toBe("ab");
});

it("a connection is read to its end, also after its buffer was full", async () => {
  connection.pause();
  const long = "x".repeat(connection.readableHighWaterMark);
  await sends(long, long);
  await forward(2);
  reading.onReply();
  connection.resume();
  caller.end("end");
  await once(connection, "end");
  expect(received.join("")).toBe(`${long}${long}end`);
});

it("a closed connection has no timer", async () => {
  await forward(2);
  connection.destroy();
  vi.advanceTimersByTime(1);
  await forward(2);
  reading.resume();
  expect(vi.getTimerCount()).toBe(0);
});
