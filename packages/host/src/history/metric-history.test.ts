import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  makeTemporaryFolder,
  type TemporaryFolder,
} from "../../../../tests/harness/temporary-folder.ts";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { HostMeters } from "../metrics/host-meters.ts";
import { outcomes } from "../metrics/outcome.ts";
import { MetricHistory } from "./metric-history.ts";
import type { ObservedService } from "./service-minutes.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const known = { isStream: false, isKnown: true } as const;

let clock: VirtualClock;
let meters: HostMeters;
let folder: TemporaryFolder;
let dir: string;
let services: ObservedService[];
let events: string[];

beforeEach(async () => {
  clock = new VirtualClock();
  meters = new HostMeters({ metricSeriesMax: 1_000 }, 0);
  folder = await makeTemporaryFolder();
  dir = join(folder.path, "metrics");
  services = [];
  events = [];
});

afterEach(() => folder[Symbol.asyncDispose]());

function open(): MetricHistory {
  const history = new MetricHistory({
    dir,
    meters,
    observe: () => ({ services, memoryBytes: 5e7, cpuSeconds: 1 }),
    clock,
    log: (_level, _part, event) => events.push(event),
  });
  history.start();
  return history;
}

function call(service: string, count = 1, ms = 12): void {
  const meter = meters.services.method(meters.services.of("dev.lever", service), "m", known);
  for (let index = 0; index < count; index++) meter.count(outcomes.ok, ms);
}

/** Calls by service, of each minute. */
async function callsOf(history: MetricHistory, from = 0): Promise<Record<string, number>[]> {
  const minutes = await history.since(from);
  return minutes.map(({ services: points }) =>
    Object.fromEntries(Object.entries(points).map(([name, { calls }]) => [name, calls])),
  );
}

it("each minute has the calls that were counted within it, and none is lost between two", async () => {
  const history = open();
  call("a", 3);
  clock.advance(30_000);
  call("a", 4);
  clock.advance(30_000);
  call("a", 5);
  call("b", 1);
  clock.advance(MINUTE_MS);
  clock.advance(MINUTE_MS);
  expect(await callsOf(history)).toEqual([
    { "dev.lever/a": 7 },
    { "dev.lever/a": 5, "dev.lever/b": 1 },
    {},
  ]);
  const [first] = await history.since(0);
  expect(first?.host).toMatchObject({ calls: 7, errors: 0, memoryBytes: 5e7 });
  expect(first?.services["dev.lever/a"]?.p99Ms).toBeGreaterThan(10);
  await history.close();
});

it("a service without calls is in it while it has instances, with memory and processor time", async () => {
  const history = open();
  const service = { environment: "dev.lever", service: "a", callsWaiting: 0, instances: 2 };
  services = [{ ...service, memoryBytes: 3e7, cpuSeconds: 4 }];
  clock.advance(MINUTE_MS);
  services = [{ ...service, memoryBytes: 4e7, cpuSeconds: 10 }];
  clock.advance(MINUTE_MS);
  const points = (await history.since(0)).map((minute) => minute.services["dev.lever/a"]);
  expect(points).toMatchObject([
    { instances: 2, memoryBytes: 3e7, cpuSeconds: 4, p99Ms: null },
    { instances: 2, memoryBytes: 4e7, cpuSeconds: 6, p99Ms: null },
  ]);
  await history.close();
});

it("the next host on the same folder has the history, without the line that a crash cut", async () => {
  const before = open();
  call("a");
  clock.advance(MINUTE_MS);
  await before.close();
  const [file = ""] = readdirSync(dir);
  appendFileSync(join(dir, file), '{"t":12,"h":[1');
  expect(await callsOf(open())).toEqual([{ "dev.lever/a": 1 }]);
});

it("files are kept for 24 hours, and other files are not touched", async () => {
  const history = open();
  call("a");
  clock.advance(MINUTE_MS);
  await history.since(0);
  writeFileSync(join(dir, "other.txt"), "");
  for (let hour = 0; hour < 30; hour++) {
    call("a");
    clock.advance(HOUR_MS);
    await history.since(0);
  }
  const files = readdirSync(dir).filter((name) => name.endsWith(".ndjson"));
  expect(files.length).toBeLessThanOrEqual(26);
  expect(existsSync(join(dir, "other.txt"))).toBe(true);
  const from = clock.wallTime() - HOUR_MS;
  expect((await history.since(from)).every(({ at }) => at >= from)).toBe(true);
  await history.close();
});

it("of more than 100 services, those with fewer calls share a point", async () => {
  const history = open();
  for (let index = 0; index < 150; index++) call(`service-${index}`, index + 1);
  clock.advance(MINUTE_MS);
  const [calls = {}] = await callsOf(history);
  expect(Object.keys(calls)).toHaveLength(101);
  expect(calls["dev.lever/_other"]).toBe((50 * 51) / 2);
  expect(calls["dev.lever/service-149"]).toBe(150);
  await history.close();
});

it("a folder that cannot be written is logged once, and the host goes on", async () => {
  writeFileSync(dir, "not a folder");
  const history = open();
  clock.advance(3 * MINUTE_MS);
  await history.close();
  expect(events).toEqual(["history not written"]);
  expect(readFileSync(dir, "utf8")).toBe("not a folder");
});
