import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { uptime } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { markOf, markPrefix } from "../processes/process-marks.ts";
import { processStat } from "../processes/process-stat.ts";
import { Keeper } from "./keeper.ts";

let keeper: Keeper;
const children: ChildProcess[] = [];

/** A process group with a child in it, whose pid it has printed. `marked`: as instances run; the child leaves the group. */
async function startGroup({ marked = "" } = {}): Promise<{
  leader: ChildProcess;
  pid: number;
  childPid: number;
}> {
  const script = `${marked === "" ? "" : "setsid "}sleep 600 & echo $!; wait`;
  const command = ["/bin/sh", "-c", script];
  const [program = "", ...args] =
    marked === "" ? command : ["prlimit", `--locks=${marked}:${marked}`, ...command];
  const leader = spawn(program, args, {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  children.push(leader);
  const [text] = await once(leader.stdout, "data");
  return { leader, pid: leader.pid ?? 0, childPid: Number(text) };
}

function isRunning(pid: number): boolean {
  return processStat(pid)?.isRunning === true;
}

function inMs(ms: number): number {
  return uptime() * 1_000 + ms;
}

beforeEach(() => {
  keeper = new Keeper();
});

afterEach(async () => {
  await keeper.close();
  for (const { pid = 0 } of children.splice(0)) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It is dead already.
    }
  }
});

describe("a keeper", () => {
  it("Q2: kills an owner's whole process group when no news has come in time", async () => {
    const { leader, pid, childPid } = await startGroup();
    const exited = once(leader, "exit");
    keeper.setEnd(inMs(300));
    await keeper.add(pid);
    expect(await exited).toEqual([null, "SIGKILL"]);
    await expect.poll(() => isRunning(childPid)).toBe(false);
  });

  it("Q1: kills what an owner has started in a session of its own, and not that of another one", async () => {
    const prefix = markPrefix(process.pid) ?? "";
    const [owner, other] = await Promise.all([
      startGroup({ marked: markOf(prefix, 1) }),
      startGroup({ marked: markOf(prefix, 2) }),
    ]);
    keeper.setEnd(inMs(60_000));
    await keeper.add(owner.pid);
    await keeper.close();
    await expect.poll(() => isRunning(owner.childPid)).toBe(false);
    expect(isRunning(other.childPid)).toBe(true);
    process.kill(other.childPid, "SIGKILL");
  });

  it("Q1: kills no process that it was not given, or that was taken from it", async () => {
    const [owner, other, earlier] = await Promise.all([startGroup(), startGroup(), startGroup()]);
    const exited = once(owner.leader, "exit");
    keeper.setEnd(inMs(60_000));
    await keeper.add(owner.pid);
    await keeper.add(earlier.pid);
    keeper.remove(earlier.pid);
    keeper.setEnd(inMs(0));
    await exited;
    expect(isRunning(other.pid)).toBe(true);
    expect(isRunning(earlier.pid)).toBe(true);
  });

  it("Q2, Q3: kills its owners and exits when its host dies", async () => {
    const { leader, pid } = await startGroup();
    const exited = once(leader, "exit");
    keeper.setEnd(inMs(60_000));
    await keeper.add(pid);
    await keeper.close();
    expect(await exited).toEqual([null, "SIGKILL"]);
  });

  it("Q3: does not exit by TERM", async () => {
    const { leader, pid } = await startGroup();
    keeper.setEnd(inMs(60_000));
    await keeper.add(pid);
    process.kill(keeper.pid, "SIGTERM");
    const exited = once(leader, "exit");
    keeper.setEnd(inMs(0));
    expect(await exited).toEqual([null, "SIGKILL"]);
    expect(isRunning(keeper.pid)).toBe(true);
  });

  it("that is dead takes no owner", async () => {
    process.kill(keeper.pid, "SIGKILL");
    await expect(keeper.add(process.pid)).rejects.toThrow("keeper has exited");
  });
});
