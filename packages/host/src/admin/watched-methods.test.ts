import type { Duplex } from "node:stream";
import { LeverError, type WatchMessage } from "@leveros/protocol";
import { beforeEach, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { readWatchRequest } from "./watch-request.ts";
import { type Reader, WatchedMethods } from "./watched-methods.ts";

let clock: VirtualClock;
let sent: WatchMessage[];
let isSlow: boolean;
let count: number;
let feed: Duplex | undefined;
let watched: WatchedMethods;

const readers: Readonly<Record<string, Reader>> = {
  count: { isStream: false, run: () => count },
  fail: {
    isStream: false,
    run() {
      throw new LeverError("forbidden", "Cannot allow this call.");
    },
  },
  followChan: {
    isStream: true,
    run([stream]) {
      feed = stream as Duplex;
    },
  },
};

beforeEach(() => {
  clock = new VirtualClock();
  sent = [];
  isSlow = false;
  count = 1;
  feed = undefined;
  watched = new WatchedMethods({
    clock,
    reader: (name) => readers[name],
    send(message) {
      sent.push(message);
      return !isSlow;
    },
  });
});

const see = (...methods: readonly { id: number; method: string }[]): void =>
  watched.see(readWatchRequest({ see: methods.map((method) => ({ args: [], ...method })) }));

/** Promises that are resolved already go on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function lookAfter(ms: number): Promise<void> {
  clock.advance(ms);
  watched.look(true);
  await settle();
}

it("a watched method is answered at once, and again when its reply differs", async () => {
  see({ id: 7, method: "count" });
  await settle();
  await lookAfter(1_000);
  count = 2;
  await lookAfter(500);
  expect(sent).toEqual([{ id: 7, value: 1 }]);
  await lookAfter(500);
  expect(sent.at(-1)).toEqual({ id: 7, value: 2 });
});

it("a slow watcher gets no reply until it reads again", async () => {
  see({ id: 7, method: "count" });
  await settle();
  count = 2;
  clock.advance(1_000);
  watched.look(false);
  await settle();
  expect(sent).toHaveLength(1);
  await lookAfter(0);
  expect(sent).toHaveLength(2);
});

it("a method that is watched already is not answered again", async () => {
  see({ id: 1, method: "count" });
  await settle();
  see({ id: 1, method: "count" }, { id: 2, method: "count" });
  await settle();
  expect(sent.map(({ id }) => id)).toEqual([1, 2]);
});

it.each([
  ["fail", "forbidden"],
  ["removeService", "unknown_method"],
])("a watcher gets the error of %s", async (method, code) => {
  see({ id: 1, method });
  await settle();
  expect(sent).toMatchObject([{ id: 1, error: { code } }]);
});

it("messages of a streaming method wait for a slow watcher, and none is lost", async () => {
  see({ id: 1, method: "followChan" });
  await settle();
  isSlow = true;
  for (const text of ["a", "b", "c"]) feed?.write(text);
  await settle();
  expect(sent).toEqual([{ id: 1, message: "a" }]);
  isSlow = false;
  await lookAfter(0);
  expect(sent.map((of) => ("message" in of ? of.message : of))).toEqual(["a", "b", "c"]);
});

it("a streaming method ends when it is watched no longer", async () => {
  see({ id: 1, method: "followChan" });
  await settle();
  see();
  expect(feed?.destroyed).toBe(true);
});

it.each([
  undefined,
  { see: Array.from({ length: 21 }, (_, id) => ({ id, method: "count", args: [] })) },
  { see: [{ id: "1", method: "count", args: [] }] },
  { see: [{ id: 1, method: 7, args: [] }] },
  { see: [{ id: 1, method: "count", args: {} }] },
  { see: [{ id: 1, method: "count", args: ["x".repeat(5_000)] }] },
  { see: [{ id: 1, method: "count", args: [], everyMs: 10 }] },
  {
    see: [
      { id: 1, method: "count", args: [] },
      { id: 1, method: "fail", args: [] },
    ],
  },
])("a request is refused when it is malformed (%#)", (message) => {
  expect(() => readWatchRequest(message)).toThrow(/^Cannot watch methods: .*\.$/);
});
