import { type ChildProcess, spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { LeverError } from "@leveros/protocol";
import type { LaunchedRuntime, Launcher, ProcessExit } from "./launcher.ts";
import type { ProcessLedger } from "./process-ledger.ts";

/** How long the last output of an ended process is waited for. */
const OUTPUT_GRACE_MS = 200;

/** Of the host's environment, what an instance may see. */
const VARIABLES_KEPT = ["PATH", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/**
 * Starts each runtime as a child process: clean environment, own session and process group, and one end of a socket
 * pair as its link. A fence against accidents, not against hostile code.
 */
export function createProcessLauncher(ledger: ProcessLedger): Launcher {
  const runtimeMain = fileURLToPath(import.meta.resolve("@leveros/runtime/main"));
  const env: Record<string, string> = {};
  for (const name of VARIABLES_KEPT) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return {
    launch({ onOutput }): LaunchedRuntime {
      const child = spawn(
        process.execPath,
        ["--disable-warning=ExperimentalWarning", runtimeMain],
        { stdio: ["ignore", "pipe", "pipe", "pipe"], env, cwd: "/", detached: true },
      );
      const socket = child.stdio[3];
      const { pid } = child;
      if (pid === undefined || !(socket instanceof Duplex)) {
        // The reason follows as an event, which must have a listener.
        child.on("error", () => {});
        throw new LeverError(
          "start_failed",
          "Cannot start an instance: the system makes no process.",
        );
      }
      child.stdout?.on("data", onOutput);
      child.stderr?.on("data", onOutput);
      try {
        ledger.add(pid);
      } catch (error) {
        // What cannot be written down would outlive a crash of the host.
        killGroup(pid);
        child.on("error", () => {});
        throw new LeverError(
          "start_failed",
          `Cannot start an instance: its process cannot be recorded (${String(error)}).`,
          { cause: error },
        );
      }
      const exited = whenExited(child).then(async ({ exit, closed }) => {
        // What the service itself started must not outlive it.
        killGroup(pid);
        ledger.remove(pid);
        // What it wrote last is still in the pipes; a process that left the group may hold them open for ever.
        await Promise.race([closed, delay(OUTPUT_GRACE_MS, undefined, { ref: false })]);
        return exit;
      });
      return {
        pid,
        isWarm: false,
        socket,
        exited,
        terminate: () => {
          child.kill("SIGTERM");
        },
        kill: () => {
          if (child.exitCode === null && child.signalCode === null) killGroup(pid);
        },
      };
    },
  };
}

function whenExited(child: ChildProcess): Promise<{ exit: ProcessExit; closed: Promise<unknown> }> {
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return new Promise((resolve) => {
    child.on("error", () => {});
    child.once("exit", (status, signal) => {
      const exit = { status: status ?? undefined, signal: signal ?? undefined };
      // In an object, since a promise that resolves to a promise would wait for it.
      resolve({ exit, closed });
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // No such group: everything in it has ended.
  }
}
