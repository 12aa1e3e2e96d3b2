import type { CallRecord, HostEvent, LogRecord } from "@leveros/protocol";
import { expect, it } from "vitest";
import { mergeCalls, mergeEvents, mergeLogs, mergeTraces } from "./merge-reports.ts";

const at = (ms: number): string => new Date(ms).toISOString();
const event = (ms: number, name: string): HostEvent => ({
  at: at(ms),
  level: "info",
  part: "fleet",
  event: name,
});
const call = (ms: number, id: string, tookMs = 1): CallRecord => ({
  id,
  service: "svc",
  method: "m",
  at: at(ms),
  ms: tookMs,
  outcome: "ok",
  bodyBytes: 0,
});
const record = (ms: number, text: string): LogRecord => ({
  at: at(ms),
  level: "info",
  environment: "dev.lever",
  service: "svc",
  version: 1,
  instance: "svc-1-a",
  text,
});

it("events of all hosts are in the order of their times, with their hosts, the newest so many", () => {
  const merge = mergeEvents(3, (max: number | undefined) => ({ ...(max && { max }) }));
  const replies = [
    { host: "a", reply: [event(1, "a1"), event(4, "a4")] },
    { host: "b", reply: [event(2, "b2"), event(3, "b3")] },
  ];
  const shown = (max?: number): string[] =>
    merge(replies, max).map((of) => `${of["host"]} ${of.event}`);
  expect(shown()).toEqual(["b b2", "b b3", "a a4"]);
  expect(shown(1)).toEqual(["a a4"]);
});

it("calls that run are listed with the longest first", () => {
  const replies = [
    { host: "a", reply: [call(5, "a1", 100)] },
    { host: "b", reply: [call(1, "b1", 104), call(9, "b2", 96)] },
  ];
  const ids = (filter: object): string[] =>
    mergeCalls(replies, "dev.lever", filter).map(({ id }) => id);
  expect(ids({})).toEqual(["b1", "a1", "b2"]);
  expect(ids({ limit: 2 })).toEqual(["a1", "b2"]);
  expect(ids({ running: true, limit: 2 })).toEqual(["b1", "a1"]);
});

it("the parts of a trace become one", () => {
  const replies = [
    { host: "a", reply: { id: "x", traceId: "t", calls: [call(1, "x"), call(3, "z")] } },
    { host: "b", reply: { id: "y", traceId: "t", calls: [call(2, "y"), call(3, "z")] } },
  ];
  const { id, traceId, calls } = mergeTraces(replies);
  expect([id, traceId]).toEqual(["x", "t"]);
  expect(calls.map((of) => `${of.host} ${of.id}`)).toEqual(["a x", "b y", "a z"]);
});

it("pages of records follow each other without a gap, whatever the hosts have left out", () => {
  const hosts = new Map([
    ["a", Array.from({ length: 40 }, (_, index) => record(index * 3, `a${index}`))],
    ["b", Array.from({ length: 25 }, (_, index) => record(index * 7 + 1, `b${index}`))],
    ["c", Array.from({ length: 9 }, (_, index) => record(50 + (index % 3), `c${index}`))],
  ]);
  /** A page of one host. */
  const page = (all: readonly LogRecord[], max: number, before: number) => {
    const older = all
      .toSorted((x, y) => (x.at < y.at ? -1 : 1))
      .filter((of) => {
        return Date.parse(of.at) < before;
      });
    const records = older.slice(-max);
    const isCut = records.length < older.length;
    const from = Date.parse(records[0]?.at ?? "");
    // A host ends its page between two records of one millisecond, by times that it does not send.
    return { records, ...(isCut && { next: from + 0.001 }) };
  };
  const found: string[] = [];
  let before = Number.POSITIVE_INFINITY;
  for (let pages = 0; pages < 100; pages++) {
    const replies = [...hosts].map(([host, all]) => ({ host, reply: page(all, 10, before) }));
    const { records, next } = mergeLogs(replies, "dev.lever", { max: 10 });
    found.unshift(...records.map(({ text }) => text));
    if (next === undefined) break;
    expect(next).toBeLessThan(before);
    before = next;
  }
  const all = [...hosts.values()].flat().map(({ text }) => text);
  expect(new Set(found)).toEqual(new Set(all));
  expect(found).toHaveLength(all.length);
});
