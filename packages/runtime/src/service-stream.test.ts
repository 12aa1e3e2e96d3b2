import { once } from "node:events";
import { closedSide, type LeverError, PAYLOAD_BYTES, PAYLOAD_JSON } from "@leveros/protocol";
import { expect, it } from "vitest";
import { ServiceStream } from "./service-stream.ts";

const encoder = new TextEncoder();
const linesOf = (from: number, to: number): Uint8Array =>
  encoder.encode(Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join(""));
const numbers = (to: number): number[] => Array.from({ length: to }, (_, index) => index + 1);

/** A stream, and whether it lets its caller send. */
function makeStream(): { stream: ServiceStream; caller: { isPaused: boolean; refusal: string } } {
  const caller = { isPaused: false, refusal: "" };
  const side = {
    ...closedSide,
    pause: () => {
      caller.isPaused = true;
    },
    resume: () => {
      caller.isPaused = false;
    },
    abort: ({ message }: LeverError) => {
      caller.refusal = message;
    },
  };
  const encode = (): never => {
    throw new Error("Nothing is written.");
  };
  return { stream: new ServiceStream(side, encode), caller };
}

/** Sends numbers as lines, single messages and lines again, and ends. */
function sendAll(stream: ServiceStream): void {
  stream.onLines(linesOf(1, 40));
  stream.onMessage(PAYLOAD_JSON, encoder.encode("41"));
  stream.onLines(linesOf(42, 50));
  stream.onMessage(PAYLOAD_JSON, encoder.encode("51"));
  stream.onEnd();
}

it.each([
  ["before", true],
  ["after", false],
])("a loop reads lines and single messages that arrive %s it begins", async (_when, isBefore) => {
  const { stream } = makeStream();
  if (isBefore) sendAll(stream);
  else setImmediate(() => sendAll(stream));
  const read: unknown[] = [];
  for await (const message of stream) read.push(message);
  expect(read).toEqual(numbers(51));
});

it("a listener gets lines and single messages in their order", async () => {
  const { stream } = makeStream();
  const read: unknown[] = [];
  stream.on("data", (message) => read.push(message));
  sendAll(stream);
  await once(stream, "end");
  expect(read).toEqual(numbers(51));
});

it("a loop that ends early leaves the other messages to the next one", async () => {
  const { stream } = makeStream();
  sendAll(stream);
  const read: unknown[] = [];
  for await (const message of stream) {
    read.push(message);
    if (message === 7) break;
  }
  for await (const message of stream) read.push(message);
  expect(read).toEqual(numbers(51));
});

it("a loop reads the messages before a line that is not JSON", async () => {
  const { stream, caller } = makeStream();
  setImmediate(() => stream.onLines(encoder.encode("1\n2\nx\n3\n")));
  const read: unknown[] = [];
  const loop = async (): Promise<void> => {
    for await (const message of stream) read.push(message);
  };
  await expect(loop()).rejects.toThrow("Cannot read a message of the stream: it is not JSON.");
  expect(read).toEqual([1, 2]);
  expect(caller.refusal).toBe("Cannot read a message of the stream: it is not JSON.");
});

it("a caller waits while lines are not read", async () => {
  const { stream, caller } = makeStream();
  for (let at = 1; at <= 5; at++) {
    expect(caller.isPaused).toBe(false);
    stream.onLines(linesOf(1, 100));
  }
  expect(caller.isPaused).toBe(true);
  stream.onEnd();
  let count = 0;
  for await (const _message of stream) count++;
  expect([count, caller.isPaused]).toEqual([500, false]);
});

it("bytes after lines are a buffer of their own", async () => {
  const { stream } = makeStream();
  stream.onLines(linesOf(1, 100));
  const bytes = Uint8Array.of(1, 2, 3);
  stream.onMessage(PAYLOAD_BYTES, bytes);
  stream.onEnd();
  const read: unknown[] = [];
  for await (const message of stream) read.push(message);
  expect(read.at(-1)).toEqual(Buffer.from([1, 2, 3]));
  expect(read.length).toBe(101);
});
