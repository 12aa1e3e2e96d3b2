import { type ChildProcess, spawn } from "node:child_process";

/** What a tool of the system may take: it is asked for one small thing. */
const TOOL_TIMEOUT_MS = 10_000;
/** Tools that run at once; others wait their turn. */
const SHELLS_MAX = 2;
/** How much those give way for which nobody waits (nice(1)). */
const NICENESS = 15;
/** Ends the status, and what was printed, which no tool has in its output. */
const END = "\0";

export interface ToolOptions {
  /** Beside those that the host has. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Low for clean-up that no call waits for: it runs after other tools and with less processor time. */
  readonly priority?: "low";
}

interface Job {
  readonly line: string;
  readonly what: string;
  readonly resolve: (printed: string) => void;
  readonly reject: (error: Error) => void;
}

/** Jobs that wait for a shell, and the shells. */
class Lane {
  readonly jobs: Job[] = [];
  readonly shells = new Set<Shell>();
  readonly shellsMax: number;
  readonly command: readonly [string, ...string[]];

  constructor(shellsMax: number, command: readonly [string, ...string[]]) {
    this.shellsMax = shellsMax;
    this.command = command;
  }

  add(job: Job): void {
    this.jobs.push(job);
    const idle = [...this.shells].find((shell) => shell.isIdle);
    if (idle !== undefined) idle.next();
    else if (this.shells.size < this.shellsMax) new Shell(this).next();
  }
}

const SHELL = ["/bin/sh", "-s"] as const;
const first = new Lane(SHELLS_MAX, SHELL);
const later = new Lane(1, ["/usr/bin/env", "nice", "-n", String(NICENESS), ...SHELL]);

/**
 * Runs a program of the system to its end; resolves to what it printed. Programs are started by shells that stay: the
 * host, which has a large memory and many open files, takes ten times as long to start one, and serves nobody meanwhile.
 * @throws Error with what it said when it fails, or takes more than 10 s.
 */
export function runTool(
  file: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const { env = {}, input = "", priority } = options;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${quote(value)}`);
  const command = [...variables, quote(file), ...args.map(quote)].join(" ");
  const fed = input === "" ? `${command} </dev/null` : `printf %s ${quote(input)} | ${command}`;
  const line = `out=$(${fed} 2>&1); printf '%s\\n%s\\0' "$?" "$out"\n`;
  return new Promise((resolve, reject) => {
    if (command.includes(END) || input.includes(END)) {
      reject(new Error(`${file}: an argument has a zero byte.`));
      return;
    }
    const job = { line, what: `${file} ${args[0] ?? ""}`, resolve, reject };
    (priority === "low" ? later : first).add(job);
  });
}

/** A shell that runs one job after the other, and keeps no host from ending. */
class Shell {
  readonly #lane: Lane;
  readonly #child: ChildProcess;
  #job: Job | undefined;
  #printed = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(lane: Lane) {
    this.#lane = lane;
    lane.shells.add(this);
    const [program, ...args] = lane.command;
    this.#child = spawn(program, args, {
      stdio: ["pipe", "pipe", "ignore"],
      // Of its own group, so that it can be ended with what it runs, and hears no Ctrl-C.
      detached: true,
      cwd: "/",
      // A service manager's PATH may lack what root's has.
      env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
    });
    this.#child.on("error", (error) => this.#end(error));
    this.#child.on("exit", () => this.#end(new Error("its shell has ended")));
    this.#child.stdin?.on("error", () => {});
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#onPrinted(chunk.toString()));
    this.#keep(false);
  }

  get isIdle(): boolean {
    return this.#job === undefined;
  }

  next(): void {
    this.#job = this.#lane.jobs.shift();
    this.#keep(this.#job !== undefined);
    if (this.#job === undefined) return;
    this.#timer = setTimeout(() => this.#kill(), TOOL_TIMEOUT_MS);
    this.#child.stdin?.write(this.#job.line);
  }

  #onPrinted(text: string): void {
    this.#printed += text;
    const job = this.#job;
    if (!this.#printed.endsWith(END) || job === undefined) return;
    const end = this.#printed.indexOf("\n");
    const status = this.#printed.slice(0, end);
    const said = this.#printed.slice(end + 1, -1);
    this.#printed = "";
    clearTimeout(this.#timer);
    if (status === "0") job.resolve(said);
    else job.reject(new Error(`${job.what}: ${said.trim().slice(0, 500) || `status ${status}`}`));
    this.next();
  }

  /** A process whose pipes are all that is left to wait for may end. */
  #keep(isKept: boolean): void {
    for (const part of [this.#child, this.#child.stdin, this.#child.stdout]) {
      const handle = part as { ref?(): void; unref?(): void } | null;
      if (isKept) handle?.ref?.();
      else handle?.unref?.();
    }
  }

  #kill(): void {
    try {
      process.kill(-(this.#child.pid ?? 0), "SIGKILL");
    } catch {
      // It has ended.
    }
  }

  #end(reason: Error): void {
    if (!this.#lane.shells.delete(this)) return;
    clearTimeout(this.#timer);
    this.#job?.reject(new Error(`${this.#job.what}: ${reason.message}`, { cause: reason }));
    this.#job = undefined;
    if (this.#lane.jobs.length > 0) new Shell(this.#lane).next();
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
