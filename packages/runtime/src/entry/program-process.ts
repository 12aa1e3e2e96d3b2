import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setFlagsFromString } from "node:v8";

interface ProgramOptions {
  readonly cwd: string;
  /** In addition to the variables of this process. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The process of a service that is a program. */
export class ProgramProcess {
  readonly child: ChildProcess;
  #isStopping = false;

  constructor([command = "", ...args]: readonly string[], { cwd, variables }: ProgramOptions) {
    keepSmall();
    this.child = spawn(command, args, {
      cwd,
      // Its output is the instance's output. It does not inherit the link.
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ...variables },
    });
  }

  /** From here on, this process exits when the program does, with the same status or signal, unless it was terminated. */
  followExit(): void {
    this.child.once("exit", (status, signal) => {
      if (this.#isStopping) return;
      if (signal !== null) process.kill(process.pid, signal);
      else process.exit(status ?? 0);
    });
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Sends SIGTERM, once, and resolves when the program has exited. */
  async terminate(): Promise<void> {
    const { child } = this;
    const wasStopping = this.#isStopping;
    this.#isStopping = true;
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (!wasStopping) child.kill("SIGTERM");
    await once(child, "exit");
  }
}

/**
 * The program needs the memory. Messages are short-lived, so a space for new objects that does not grow costs no time. Nor does a
 * process without V8's second compiler, and with one thread of the first, which inlines nothing: what they take while they
 * compile, up to 10 MB, stays in the process.
 */
function keepSmall(): void {
  const flags = ["--semi-space-growth-factor=1", "--no-turbofan", "--no-maglev-inlining"];
  for (const flag of [...flags, "--concurrent-maglev-max-threads=1"]) setFlagsFromString(flag);
}

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
