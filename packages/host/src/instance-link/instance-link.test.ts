import { duplexPair } from "node:stream";
import { attachLink, type Link } from "@leveros/protocol";
import { beforeEach, expect, it } from "vitest";
import { eventually } from "../../../../tests/harness/eventually.ts";
import { linkInstance } from "./instance-link.ts";

let news: string[];
let instance: Link;

beforeEach(() => {
  news = [];
  const [near, far] = duplexPair();
  linkInstance(near, {
    messageBytesMax: 1_000_000,
    callsMax: 1,
    bytesPerSecond: 1e9,
    now: () => 0,
    onCall: () => {
      throw new Error("There are no calls here.");
    },
    onStarted: () => news.push("started"),
    onReady: (methods) => news.push(`ready ${methods}`),
    onWaiting: (reason) => news.push(`waiting ${reason.length}`),
    onFailed: (reason) => news.push(`failed ${reason.length}`),
    onStopping: () => news.push("stopping"),
    onSpans: ({ call, spans, dropped }) => news.push(`spans ${call} ${spans} ${dropped}`),
    spanBytesMax: 10,
    onLost: (reason) => news.push(`lost ${reason?.message}`),
  });
  instance = attachLink(far, {
    side: "dialler",
    messageBytesMax: 1_000_000,
    callsMax: 1,
    onCall: () => {
      throw new Error("There are no calls here.");
    },
    onControl: () => {},
    onClose: () => {},
  });
});

const long = "x".repeat(100_000);

it.each<[string, object, string]>([
  ["its start", { type: "started" }, "started"],
  ["its end", { type: "stopping" }, "stopping"],
  ["spans", { type: "spans", call: 7, spans: "[1,2]", count: 2, dropped: 3 }, "spans 7 [1,2] 3"],
  ["its methods", { type: "ready", methods: ["a", "b"] }, "ready a,b"],
  ["a part of its unfinished step", { type: "waiting", reason: long }, "waiting 2000"],
  ["a part of why it failed", { type: "failed", reason: long }, "failed 8000"],
])("of a message of an instance, the host gets %s", async (_what, message, kept) => {
  instance.control(message);
  await eventually(() => news.length > 0);
  expect(news).toEqual([kept]);
});

it.each<[string, unknown]>([
  ["null", null],
  ["a list", []],
  ["no type", {}],
  ["a message of hosts", { type: "assign" }],
  ["no reason", { type: "failed" }],
  ["a number as a reason", { type: "waiting", reason: 1 }],
  ["a text as methods", { type: "ready", methods: "a" }],
  ["a number as a method", { type: "ready", methods: [1] }],
  ["a method without a name", { type: "ready", methods: [""] }],
  ["a method with a long name", { type: "ready", methods: ["x".repeat(1_001)] }],
  ["many methods", { type: "ready", methods: Array(10_001).fill("x") }],
])("an instance whose message has %s loses its link", async (_what, message) => {
  instance.control(message);
  await eventually(() => news.length > 0);
  expect(news[0]).toMatch(/^lost Cannot read a control message of the instance/);
});
