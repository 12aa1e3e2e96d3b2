import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { LeverError } from "@leveros/protocol";
import { type KeeperAnswer, type KeeperCommand, toLine } from "./keeper-messages.ts";

/** Beside this file, with the same extension: .ts in development, .js when built. */
const MAIN = join(import.meta.dirname, `keeper-main${extname(import.meta.filename)}`);

/** It holds a few numbers. */
const SMALL = ["--max-old-space-size=16", "--max-semi-space-size=1"];

/** The keeper of this host: a process that ends the owners of resources in time, also when this one is paused or dead. */
export class Keeper {
  readonly #child: ChildProcess;
  /** Resolves when it has exited. The host then starts another one, and gives it the end and all owners. */
  readonly exited: Promise<void>;
  readonly #waiting = new Map<number, (() => void)[]>();

  constructor() {
    const flags = process.execArgv.filter((flag) => !flag.startsWith("--inspect"));
    this.#child = spawn(process.execPath, [...flags, ...SMALL, MAIN], {
      stdio: ["pipe", "pipe", "inherit"],
      // In a session of its own: it outlives the host, and gets no Ctrl-C of a terminal.
      detached: true,
      cwd: "/",
    });
    const { stdin, stdout } = this.#child;
    stdin?.on("error", () => {});
    if (stdout !== null) {
      createInterface({ input: stdout }).on("line", (line) => this.#answered(JSON.parse(line)));
    }
    this.exited = Promise.race([once(this.#child, "exit"), once(this.#child, "error")]).then(
      () => undefined,
    );
  }

  /** 0 = the system could not start it. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Sets the boot time at which owners must end. */
  setEnd(ownersEndAtMs: number): void {
    this.#send({ kind: "end", ownersEndAtMs });
  }

  /**
   * Adds the leader of a process group. It may own resources when this resolves.
   * @throws LeverError `unavailable` when the keeper exits first.
   */
  async add(pid: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<"added">();
    this.#waiting.set(pid, [...(this.#waiting.get(pid) ?? []), () => resolve("added")]);
    this.#send({ kind: "add", pid });
    const result = await Promise.race([promise, this.exited]);
    if (result === "added") return;
    throw new LeverError("unavailable", "Cannot open a resource: the host's keeper has exited.", {
      retryAfterSeconds: 1,
    });
  }

  /** The process owns nothing any more, or is dead. */
  remove(pid: number): void {
    this.#send({ kind: "remove", pid });
  }

  /** It kills its owners and exits. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.exited;
  }

  #send(command: KeeperCommand): void {
    this.#child.stdin?.write(toLine(command));
  }

  #answered({ added }: KeeperAnswer): void {
    for (const resolve of this.#waiting.get(added) ?? []) resolve();
    this.#waiting.delete(added);
  }
}
