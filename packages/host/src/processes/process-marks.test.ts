import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { findProgram } from "./find-program.ts";
import { killUnowned, markOf, markPrefix, parseMark } from "./process-marks.ts";
import { processStat } from "./process-stat.ts";
import { ProcessSweeper } from "./process-sweeper.ts";

const line = (value: string): string => `Max file locks            ${value} ${value} locks     \n`;

it.each([
  ["8000123400055000007", { pid: 1_234, startTime: "00055" }],
  ["unlimited", undefined],
  ["7000123400055000007", undefined],
  ["800012340005500000", undefined],
  ["80001234000550000071", undefined],
])("the limit %s is the mark %j", (value, owner) => {
  expect(parseMark(`Limit  Soft Limit\n${line(value)}Max pending  1 1\n`)).toEqual(owner);
});

describe.runIf(process.platform === "linux")("processes with marks", () => {
  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const child of started.splice(0)) child.kill("SIGKILL");
  });

  function startMarked(mark: string, ...command: readonly string[]): ChildProcess {
    const child = spawn(findProgram("prlimit") ?? "", [`--locks=${mark}:${mark}`, ...command], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    started.push(child);
    return child;
  }

  /** The pid of a program that has left its parent, session and environment. */
  async function startEscaped(mark: string): Promise<number> {
    const script = "env -i setsid sleep 1000 >/dev/null & echo $!";
    const child = startMarked(mark, "sh", "-c", script);
    const [printed] = await once(child.stdout ?? child, "data");
    await once(child, "close");
    return Number(String(printed));
  }

  const isRunning = (pid: number): boolean => processStat(pid)?.isRunning === true;

  it("sweeping ends a program that has left its parent, session and environment", async () => {
    const sweeper = ProcessSweeper.open();
    const [first = "", second = ""] = [sweeper?.nextMark(), sweeper?.nextMark()];
    const [escaped, other] = await Promise.all([startEscaped(first), startEscaped(second)]);
    await sweeper?.sweep(first);
    expect([isRunning(escaped), isRunning(other)]).toEqual([false, true]);
    await sweeper?.close();
    expect(isRunning(other)).toBe(false);
  });

  it("a sweeper that has ended is started again by the next sweep", async () => {
    const sweeper = ProcessSweeper.open();
    const mark = sweeper?.nextMark() ?? "";
    await sweeper?.close();
    const escaped = await startEscaped(mark);
    await sweeper?.sweep(mark);
    expect(isRunning(escaped)).toBe(false);
    await sweeper?.close();
  });

  it("what is left of hosts that are gone is killed, and nothing of a running host", async () => {
    const host = spawn("sleep", ["1000"], { stdio: "ignore" });
    const gonePrefix = markPrefix(host.pid ?? 0) ?? "";
    const ownPrefix = markPrefix(process.pid) ?? "";
    const left = await startEscaped(markOf(gonePrefix, 1));
    const own = startMarked(markOf(ownPrefix, 999_999), "sleep", "1000");
    expect(await killUnowned(systemClock)).not.toContain(left);
    host.kill("SIGKILL");
    await once(host, "exit");
    expect(await killUnowned(systemClock)).toContain(left);
    expect([isRunning(left), isRunning(own.pid ?? 0)]).toEqual([false, true]);
  });
});
