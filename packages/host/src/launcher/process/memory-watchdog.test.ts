import { beforeEach, expect, it } from "vitest";
import { VirtualClock } from "../../../../../tests/harness/virtual-clock.ts";
import { MemoryWatchdog } from "./memory-watchdog.ts";

let clock: VirtualClock;
let bytes: Map<number, number>;
let leaderBytes: Map<number, number>;
let checks: number;
/** Each check takes this long; the clock shows it at once. */
let checkTakesMs: number;
let exceeded: [pid: number, bytes: number][];
let watchdog: MemoryWatchdog;

beforeEach(() => {
  clock = new VirtualClock();
  bytes = new Map();
  leaderBytes = new Map();
  checks = 0;
  checkTakesMs = 0;
  exceeded = [];
  let spentMs = 0;
  watchdog = new MemoryWatchdog({
    clock: {
      now: () => clock.now() + spentMs,
      wallTime: () => clock.wallTime(),
      setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
      clearTimeout: (timer) => clock.clearTimeout(timer),
    },
    readMemory(leaders) {
      checks++;
      spentMs += checkTakesMs;
      const known = [...bytes].filter(([pid]) => leaders.has(pid));
      return new Map(
        known.map(([pid, used]) => [
          pid,
          {
            bytes: used,
            leaderBytes: leaderBytes.get(pid) ?? 0,
            cpuSeconds: 0,
            pids: [pid, pid + 1],
          },
        ]),
      );
    },
  });
});

function watch(pid: number, bytesMax: number, freeBytes = 0): void {
  const onExceeded = (memory: { bytes: number }): number => exceeded.push([pid, memory.bytes]);
  watchdog.watch(pid, { bytesMax, freeBytes, onExceeded });
}

it("a process that exceeds its limit is reported once, within 250 ms", () => {
  watch(10, 100);
  bytes.set(10, 100);
  clock.advance(250);
  bytes.set(10, 101);
  clock.advance(249);
  expect(exceeded).toEqual([]);
  clock.advance(1);
  expect(exceeded).toEqual([[10, 101]]);
  clock.advance(10_000);
  expect(exceeded).toHaveLength(1);
});

it("the leader's own memory does not count up to what is free", () => {
  watch(10, 100, 30);
  bytes.set(10, 130);
  leaderBytes.set(10, 35);
  clock.advance(250);
  expect([exceeded, watchdog.bytesOf(10)]).toEqual([[], 100]);
  leaderBytes.set(10, 20);
  clock.advance(250);
  expect(exceeded).toEqual([[10, 110]]);
});

it("one process that exceeds its limit does not end the checks of others", () => {
  watch(10, 100);
  watch(20, 100);
  bytes.set(10, 200);
  clock.advance(250);
  bytes.set(20, 200);
  clock.advance(250);
  expect(exceeded).toEqual([
    [10, 200],
    [20, 200],
  ]);
});

it("a process that is no longer watched is not reported", () => {
  watch(10, 100);
  bytes.set(10, 200);
  watchdog.unwatch(10);
  watchdog.unwatch(10);
  clock.advance(1_000);
  expect([exceeded, checks]).toEqual([[], 0]);
});

it("nothing is checked while no process is watched", () => {
  watch(10, 100);
  watchdog.unwatch(10);
  watch(20, 100);
  clock.advance(500);
  expect(checks).toBe(2);
});

it("checks that take long are made less often, for 5 % of the time", () => {
  watch(10, 100);
  clock.advance(250);
  checkTakesMs = 100;
  clock.advance(250);
  expect(checks).toBe(2);
  clock.advance(1_999);
  expect(checks).toBe(2);
  clock.advance(1);
  expect(checks).toBe(3);
});

it("the bytes of a process are those of the last check, or of now before its first", () => {
  bytes.set(10, 7);
  expect(watchdog.bytesOf(10)).toBe(7);
  watch(10, 100);
  clock.advance(250);
  bytes.set(10, 8);
  expect(watchdog.bytesOf(10)).toBe(7);
  expect(watchdog.bytesOf(99)).toBe(0);
});
