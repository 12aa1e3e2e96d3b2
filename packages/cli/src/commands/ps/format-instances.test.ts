import type { InstanceStatus, InstancesReport } from "@leveros/protocol";
import { expect, it } from "vitest";
import { formatInstances } from "./format-instances.ts";

const now = Date.parse("2026-03-01T12:00:00Z");

const ready: InstanceStatus = {
  service: "hello",
  instance: "hello-2-aa",
  version: 2,
  state: "ready",
  callsInFlight: 5,
  streamsInFlight: 2,
  resources: 1,
  pid: 42,
  memoryBytes: 30_000_000,
  ram: 128,
  startedAt: "2026-03-01T11:59:18Z",
  start: { isWarm: true, prepareMs: 1, launchMs: 2, loadMs: 9 },
};
const { start: _start, ...withoutStart } = ready;
const starting: InstanceStatus = { ...withoutStart, instance: "hello-2-bb", state: "starting" };

const host: InstancesReport["host"] = {
  memoryBytes: 60_000_000,
  ramReserved: 256,
  ramMax: 4_000,
  warmReady: 1,
  warmWanted: 2,
  starts: { count: 0, warm: 0, medianMs: 0 },
};

it("an instance is a line with its calls, streams, memory, age and startup time", () => {
  const [head, first, second] = formatInstances({ instances: [ready, starting], host }, now).split(
    "\n",
  );
  expect(head).toBe(
    "INSTANCE    VERSION  STATE     CALLS  STREAMS  RESOURCES  MEMORY           AGE  STARTUP",
  );
  expect(first).toBe(
    "hello-2-aa  2        ready     3      2        1          30 MB of 128 MB  42s  12 ms, warm",
  );
  expect(second).toMatch(/^hello-2-bb {2}2 {8}starting .* 42s$/);
});

it("the host's memory, warm processes and starts follow the table", () => {
  expect(formatInstances({ instances: [], host }, now)).toBe(
    `No instances: the next call starts one.

Host: 256 MB of 4.0 GB reserved for instances, 1 of 2 warm processes ready, 60 MB used by the host itself.`,
  );
  const starts = { count: 3, warm: 2, medianMs: 20 };
  expect(formatInstances({ instances: [], host: { ...host, starts } }, now)).toContain(
    " 3 instance starts, 2 of them warm, median 20 ms.",
  );
});
