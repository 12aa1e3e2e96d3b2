import { PAYLOAD_BYTES, PAYLOAD_JSON } from "@leveros/protocol";
import { beforeEach, expect, it } from "vitest";
import { TransformAnswer } from "./transform-answer.ts";

let written: string[];
let news: string[];
/** Ends the write that is going on. */
let finishWrite: () => void;
let answer: TransformAnswer;

beforeEach(() => {
  written = [];
  news = [];
  answer = new TransformAnswer({
    files: {
      announce: () => {},
      write(path) {
        written.push(path);
        return new Promise((resolve) => (finishWrite = resolve));
      },
    },
    done: () => news.push("done"),
    fail: (error) => news.push(error instanceof Error ? error.message : String(error)),
  });
  answer.side = { pause: () => news.push("pause"), resume: () => news.push("resume") };
});

function send(path: string, bytes: number): void {
  answer.onMessage(PAYLOAD_JSON, Buffer.from(JSON.stringify({ path, bytes })));
  if (bytes > 0) answer.onMessage(PAYLOAD_BYTES, Buffer.alloc(bytes));
}

/** Lets the write that waits begin, after the one before has ended. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("the files of a transform are written one after the other", async () => {
  send("a.ts", 0);
  send("b.ts", 3);
  answer.onEnd();
  await turn();
  expect(written).toEqual(["a.ts"]);
  finishWrite();
  await turn();
  expect([written, news]).toEqual([["a.ts", "b.ts"], []]);
  finishWrite();
  await turn();
  expect(news).toEqual(["done"]);
});

it("a stopped answer ends its write and writes no other file", async () => {
  send("a.ts", 0);
  send("b.ts", 0);
  await turn();
  const stopped = answer.stop().then(() => news.push("stopped"));
  await turn();
  expect(news).toEqual([]);
  finishWrite();
  await stopped;
  expect(written).toEqual(["a.ts"]);
});

it.each([
  ["many files", 0, 64],
  ["many bytes", 8 * 1024 * 1024, 2],
])("an answer is paused while %s wait to be written", async (_what, bytes, count) => {
  for (let i = 1; i < count; i++) send("a.ts", bytes);
  expect(news).toEqual([]);
  send("a.ts", bytes);
  expect(news).toEqual(["pause"]);
  await turn();
  finishWrite();
  await turn();
  expect(news).toEqual(["pause", "resume"]);
});

it.each<[string, (number | object)[]]>([
  ["ends within a file", [{ path: "a.ts", bytes: 2 }, 1]],
  [
    "has a file within a file",
    [
      { path: "a.ts", bytes: 2 },
      { path: "b.ts", bytes: 2 },
    ],
  ],
  ["has bytes before a file", [1]],
  ["has more bytes than it announced", [{ path: "a.ts", bytes: 2 }, 3]],
  ["announces a part of a byte", [{ path: "a.ts", bytes: 0.5 }]],
  ["announces fewer bytes than none", [{ path: "a.ts", bytes: -1 }]],
  ["has another message", [{ path: "a.ts" }]],
])("an answer that %s is refused", (_what, messages) => {
  for (const message of messages) {
    if (typeof message === "number") answer.onMessage(PAYLOAD_BYTES, Buffer.alloc(message));
    else answer.onMessage(PAYLOAD_JSON, Buffer.from(JSON.stringify(message)));
  }
  if (news.length === 0) answer.onEnd();
  expect(news).toEqual([
    "Cannot transform the TypeScript: the answer of the compiler cannot be read.",
  ]);
});
