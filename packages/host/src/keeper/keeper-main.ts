/** The program of a keeper: it reads commands from its standard input, which closes when its host dies. */
import { uptime } from "node:os";
import { createInterface } from "node:readline";
import { systemClock } from "../clock.ts";
import { killMarked, markLineOf } from "../processes/process-marks.ts";
import { processStat } from "../processes/process-stat.ts";
import { decideKeeper, KEEPER_CHECK_MS } from "./decide-keeper.ts";
import { type KeeperCommand, toLine } from "./keeper-messages.ts";

interface Owner {
  /** Its pid may belong to another process later. */
  readonly startTime: string;
  /** All that it has started has the same one. */
  readonly mark: string | undefined;
}

/** By pid. */
const owners = new Map<number, Owner>();
let ownersEndAtMs: number | undefined;
let isHostDead = false;
let timer: unknown;

/** Q3. A supervisor that stops the host's control group may send TERM to all of it. */
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
process.stdout.on("error", () => {});

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => obey(JSON.parse(line)));
lines.on("close", () => {
  isHostDead = true;
  decide();
});

function obey(command: KeeperCommand): void {
  switch (command.kind) {
    case "end":
      ({ ownersEndAtMs } = command);
      break;
    case "add": {
      const { pid } = command;
      const stat = processStat(pid);
      if (stat !== undefined) {
        owners.set(pid, { startTime: stat.startTime, mark: markLineOf(pid) });
      }
      process.stdout.write(toLine({ added: pid }));
      break;
    }
    case "remove":
      owners.delete(command.pid);
  }
  decide();
}

function decide(): void {
  systemClock.clearTimeout(timer);
  const step = decideKeeper(
    { ownersEndAtMs, owners: new Set(owners.keys()), isHostDead },
    // The machine's boot time, with steps of 10 ms.
    uptime() * 1_000,
  );
  switch (step.kind) {
    case "exit":
      process.exit();
      break;
    case "kill":
      for (const pid of step.owners) kill(pid);
      timer = systemClock.setTimeout(decide, KEEPER_CHECK_MS);
      return;
    case "wait":
      if (step.ms !== undefined) timer = systemClock.setTimeout(decide, step.ms);
  }
}

/** Q1. Kills a process group, and what has left it, again and again, until nothing of it runs. */
function kill(pid: number): void {
  const { startTime, mark } = owners.get(pid) ?? {};
  const stat = processStat(pid);
  const isOther = stat !== undefined && stat.startTime !== startTime;
  if (!isOther) killGroup(pid);
  const hasLeft = mark !== undefined && killMarked(mark);
  if ((isOther || stat?.isRunning !== true) && !hasLeft) owners.delete(pid);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has exited.
  }
}
