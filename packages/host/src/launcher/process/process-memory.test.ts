import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import {
  cpuSecondsOf,
  groupByLeader,
  MemoryReader,
  memoryOf,
  type ProcessParents,
  parseStat,
} from "./process-memory.ts";

describe("the processes of a leader", () => {
  /** pid, parent, session. */
  const group = (leaders: number[], ...processes: [number, number, number][]) =>
    Object.fromEntries(
      groupByLeader(
        new Map<number, ProcessParents>(
          processes.map(([pid, parent, session]) => [pid, { parent, session }]),
        ),
        new Set(leaders),
      ),
    );

  it("are itself, its children and their children, and no others", () => {
    expect(group([10], [1, 0, 1], [10, 1, 10], [11, 10, 10], [12, 11, 10], [20, 1, 20])).toEqual({
      10: [10, 11, 12],
    });
  });

  it("include a process of its session whose parent has exited", () => {
    expect(group([10], [1, 0, 1], [10, 1, 10], [11, 1, 10])).toEqual({ 10: [10, 11] });
  });

  it("include a process that has left the session while its parent lives", () => {
    expect(group([10], [1, 0, 1], [10, 1, 10], [11, 10, 11], [12, 11, 11])).toEqual({
      10: [10, 11, 12],
    });
  });

  it("do not include a process that has left the session and whose parent has exited", () => {
    expect(group([10], [1, 0, 1], [10, 1, 10], [11, 1, 11])).toEqual({ 10: [10] });
  });

  it("are found in a list whose parents form a cycle", () => {
    expect(group([10], [10, 1, 10], [20, 21, 20], [21, 20, 20])).toEqual({ 10: [10] });
  });

  it("are separate for each leader", () => {
    expect(group([10, 20], [10, 1, 10], [11, 10, 10], [20, 1, 20], [21, 20, 20])).toEqual({
      10: [10, 11],
      20: [20, 21],
    });
  });
});

it.each([
  ["4711 (node) S 17 4711 4710 0 -1", { parent: 17, session: 4710 }],
  ["4711 (a) b (c) S 17 4711 4710 0 -1", { parent: 17, session: 4710 }],
  ["", undefined],
])("a stat of %j is parsed", (stat, parents) => {
  expect(parseStat(stat)).toEqual(parents);
});

it("the processor time of a stat is its own and that of its ended children", () => {
  const stat = "4711 (a) b (c) S 17 4711 4710 0 -1 4194304 1 2 3 4 150 50 20 5 20 0 7 0 99";
  expect(cpuSecondsOf(stat)).toBe(2.25);
  expect(cpuSecondsOf("")).toBe(0);
});

it.runIf(process.platform === "linux")("a real session counts with its child", async () => {
  const child = spawn("sh", ["-c", "cat <&3 & echo started; wait"], {
    stdio: ["ignore", "pipe", "ignore", "pipe"],
    detached: true,
  });
  await once(child.stdout ?? child, "data");
  const memory = memoryOf(new Set([child.pid ?? 0])).get(child.pid ?? 0);
  process.kill(-(child.pid ?? 0), "SIGKILL");
  expect(memory?.pids).toHaveLength(2);
  expect(memory?.leaderBytes).toBeGreaterThan(0);
  expect(memory?.bytes).toBeGreaterThan(memory?.leaderBytes ?? 0);
});

describe.runIf(process.platform === "linux")("memory that is read again and again", () => {
  /** A session that starts a child whenever it gets a line, and prints one. */
  const script = 'while read line; do sleep 100 >/dev/null <&- & echo "$!"; done';

  it("counts a leader that was a process of others, and its new children", async () => {
    const leader = spawn("sh", ["-c", script], {
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
    });
    const pid = leader.pid ?? 0;
    const child = async (): Promise<number> => {
      leader.stdin?.write("\n");
      const [line] = (await once(leader.stdout ?? leader, "data")) as [Buffer];
      return Number(line);
    };
    try {
      const first = await child();
      const reader = new MemoryReader();
      expect(reader.read(new Set([process.pid + 1_000_000]))).toEqual(new Map());
      expect(reader.read(new Set([pid])).get(pid)?.pids).toContain(pid);
      const second = await child();
      expect(reader.read(new Set([pid])).get(pid)?.pids).toContain(second);
      // The first child was a process of others before its leader was known.
      for (let turn = 0; turn < 20; turn++) reader.read(new Set([pid]));
      expect(reader.read(new Set([pid])).get(pid)?.pids).toEqual(
        expect.arrayContaining([pid, first, second]),
      );
      expect(reader.read(new Set([pid])).get(pid)?.bytes).toBeGreaterThan(0);
    } finally {
      process.kill(-pid, "SIGKILL");
    }
  });
});
