import { type ChildProcess, spawn } from "node:child_process";

/** Most time for a tool of the system, which does one small thing. */
const TOOL_TIMEOUT_MS = 10_000;
/** Tools that run at once. Others wait. */
const SHELLS_MAX = 2;
/** Niceness of tools with low priority (nice(1)). */
const NICENESS = 15;
/** Ends a tool's status and output. No tool prints it. */
const END = "\0";

export interface ToolOptions {
  /** In addition to the host's own variables. */
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

/** Waiting jobs, and the shells that run them. */
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
const normalPriority = new Lane(SHELLS_MAX, SHELL);
const lowPriority = new Lane(1, ["/usr/bin/env", "nice", "-n", String(NICENESS), ...SHELL]);

/**
 * Runs a program of the system to its end, and resolves to its output. Long-lived shells start the programs: the host
 * itself, with its large memory and many open files, takes ten times as long to start one, and is blocked meanwhile.
 * @throws Error with the program's output when it fails, or takes more than 10 s.
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
    (priority === "low" ? lowPriority : normalPriority).add(job);
  });
}

/** A shell that runs one job after the other. An idle shell does not keep the host from exiting. */
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
      // In its own group: so it can be killed with the tool that it runs, and gets no Ctrl-C of a terminal.
      detached: true,
      cwd: "/",
      // The PATH of a service manager may lack the folders of root's programs.
      env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
    });
    this.#child.on("error", (error) => this.#end(error));
    this.#child.on("exit", () => this.#end(new Error("its shell has ended")));
    this.#child.stdin?.on("error", () => {});
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#onPrinted(chunk.toString()));
    this.#setKeepsHost(false);
  }

  get isIdle(): boolean {
    return this.#job === undefined;
  }

  next(): void {
    this.#job = this.#lane.jobs.shift();
    this.#setKeepsHost(this.#job !== undefined);
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
    const output = this.#printed.slice(end + 1, -1);
    this.#printed = "";
    clearTimeout(this.#timer);
    if (status === "0") job.resolve(output);
    else job.reject(new Error(`${job.what}: ${output.trim().slice(0, 500) || `status ${status}`}`));
    this.next();
  }

  /** Sets whether the shell's process and pipes keep the host from exiting. */
  #setKeepsHost(keepsHost: boolean): void {
    for (const part of [this.#child, this.#child.stdin, this.#child.stdout]) {
      const handle = part as { ref?(): void; unref?(): void } | null;
      if (keepsHost) handle?.ref?.();
      else handle?.unref?.();
    }
  }

  #kill(): void {
    try {
      process.kill(-(this.#child.pid ?? 0), "SIGKILL");
    } catch {
      // It has exited.
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
