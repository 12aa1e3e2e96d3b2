import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { findProgram } from "./find-program.ts";
import { markOf, markPrefix, marksWith } from "./process-marks.ts";

/**
 * Kills all processes whose mark matches a pattern, also those that they start meanwhile. Reads patterns from its standard
 * input, and prints a line when it has done one. At the end of the input, when the host is gone, it does the last pattern.
 */
const SCRIPT = `
sweep() {
  for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    found=
    for file in $(grep -lsE "^Max file locks +($1) " /proc/[0-9]*/limits); do
      pid=\${file#/proc/}
      pid=\${pid%/limits}
      { read -r stat </proc/$pid/stat; } 2>/dev/null || continue
      case \${stat##*) } in [ZX]*) continue ;; esac
      kill -9 $pid 2>/dev/null && found=yes
    done
    [ -n "$found" ] || return
  done
}
while read -r marks; do sweep "$marks"; echo; done
sweep "$1"
`;

/** Most marks in one pattern. Further ones wait for the next. */
const MARKS_MAX = 100;

/**
 * Ends what instances that run as processes have left: processes in a session of their own, which are not killed with the
 * instance. It is a process by itself, so that the host does not read all of /proc, and so that nothing outlives a host
 * that is killed.
 */
export class ProcessSweeper {
  readonly #prefix: string;
  #child: ChildProcess | undefined;
  #number = 0;
  /** Marks of instances that have not been swept. Numbers begin again, and an instance may run for very long. */
  readonly #inUse = new Set<string>();
  /** The marks of instances that have ended, with what waits for them. */
  #waiting: { readonly mark: string; readonly done: () => void }[] = [];
  #sweeping: readonly (() => void)[] = [];

  private constructor(prefix: string) {
    this.#prefix = prefix;
    this.#start();
  }

  /** undefined = this system cannot mark processes: it is not Linux, or lacks `prlimit`, or this host has such a limit. */
  static open(): ProcessSweeper | undefined {
    const prefix = markPrefix(process.pid);
    if (prefix === undefined || findProgram("prlimit") === undefined) return undefined;
    const isUnlimited = /^Max file locks +unlimited +unlimited /m.test(ownLimits());
    return isUnlimited || process.getuid?.() === 0 ? new ProcessSweeper(prefix) : undefined;
  }

  /** A mark for an instance that is about to start. Call `sweep` once for each. */
  nextMark(): string {
    let mark: string;
    do mark = markOf(this.#prefix, this.#number++);
    while (this.#inUse.has(mark));
    this.#inUse.add(mark);
    return mark;
  }

  /** Resolves when no process with this mark is left. */
  sweep(mark: string): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#inUse.delete(mark);
        resolve();
      };
      this.#waiting.push({ mark, done });
      if (this.#sweeping.length === 0) this.#next();
    });
  }

  /** Ends it, and everything that has a mark of this host. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.ref();
    const exited = once(child, "exit");
    child.stdin?.end();
    await exited;
  }

  #start(): ChildProcess {
    const child = spawn("/bin/sh", ["-c", SCRIPT, "sh", marksWith(this.#prefix)], {
      stdio: ["pipe", "pipe", "ignore"],
      // In its own session: it outlives the host, and gets no Ctrl-C of a terminal.
      detached: true,
      cwd: "/",
      env: { PATH: `${process.env["PATH"] ?? ""}:/usr/bin:/bin` },
    });
    this.#child = child;
    child.once("error", () => this.#ended(child));
    child.once("exit", () => this.#ended(child));
    child.stdin.on("error", () => {});
    child.stdout.on("data", () => this.#next());
    // It does not keep the host from exiting.
    child.unref();
    for (const stream of [child.stdin, child.stdout]) {
      if ("unref" in stream && typeof stream.unref === "function") stream.unref();
    }
    return child;
  }

  #next(): void {
    for (const done of this.#sweeping) done();
    const batch = this.#waiting.splice(0, MARKS_MAX);
    this.#sweeping = batch.map(({ done }) => done);
    if (batch.length === 0) return;
    const child = this.#child ?? this.#start();
    child.stdin?.write(`${batch.map(({ mark }) => mark).join("|")}\n`);
  }

  /** It was killed, or the system could not start it. Another one is started when it is needed. */
  #ended(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    for (const done of this.#sweeping) done();
    this.#sweeping = [];
    for (const { done } of this.#waiting.splice(0)) done();
  }
}

function ownLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return "";
  }
}
