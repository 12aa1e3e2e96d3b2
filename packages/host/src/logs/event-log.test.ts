import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostEvent } from "@leveros/protocol";
import { afterEach, beforeEach, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { EventLog } from "./event-log.ts";
import type { AppendToFile } from "./segment-folder.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-events-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const openLog = (append?: AppendToFile): EventLog =>
  new EventLog({ dir, clock: new VirtualClock(), ...(append && { append }) });

const eventOf = (number: number, at = "2026-01-01T00:00:00.000Z"): HostEvent => ({
  at,
  level: "info",
  part: "host",
  event: "counted",
  number,
});

async function numbersIn(
  events: EventLog,
  query: Partial<Parameters<EventLog["find"]>[0]> = {},
): Promise<unknown[]> {
  const found = await events.find({ isWanted: () => true, max: 1_000, ...query });
  return found.map((event) => event["number"]);
}

it("events are found as soon as they are added, oldest first", async () => {
  const events = openLog();
  for (const number of [1, 2, 3]) events.add(eventOf(number));
  expect(await numbersIn(events)).toEqual([1, 2, 3]);
  expect(await numbersIn(events, { max: 2 })).toEqual([2, 3]);
  expect(await numbersIn(events, { isWanted: (event) => event["number"] === 2 })).toEqual([2]);
});

it("events of earlier hosts are found, too", async () => {
  const first = openLog();
  first.add(eventOf(1));
  await first.flush();
  const second = openLog();
  second.add(eventOf(2, "2026-01-02T00:00:00.000Z"));
  expect(await numbersIn(second)).toEqual([1, 2]);
  expect(await numbersIn(second, { since: Date.parse("2026-01-02") })).toEqual([2]);
});

it("a watcher gets the events that a search before it does not find", async () => {
  const events = openLog();
  const seen: unknown[] = [];
  events.add(eventOf(1));
  const watch = events.watch((event) => seen.push(event["number"]));
  events.add(eventOf(2));
  expect(await numbersIn(events, { before: watch.before })).toEqual([1]);
  watch.stop();
  events.add(eventOf(3));
  expect(seen).toEqual([2]);
});

it("events that the disk refuses stay in memory", async () => {
  const events = openLog(async () => {
    throw new Error("the disk is full");
  });
  for (const number of [1, 2]) events.add(eventOf(number));
  expect(await numbersIn(events)).toEqual([1, 2]);
});
