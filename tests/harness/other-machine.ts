import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where Debian has it, whatever the PATH. */
const IP = "/usr/sbin/ip";

export interface OtherMachineOptions {
  /** This machine's address at the cable, with the length of its prefix. Default: of a range of the process's own. */
  readonly here: string;
  /** Addresses of the other machine. The first is in the same network. */
  readonly there: readonly string[];
}

/**
 * Another machine: a network of its own on this kernel, with one cable to this one. Needs root. What it runs sees this
 * machine as any stranger does.
 */
export class OtherMachine implements Disposable {
  /** This machine's address at the cable. */
  readonly hostAddress: string;
  readonly #name: string;
  readonly #cable: string;
  readonly #children: ChildProcess[] = [];
  readonly #files: string[] = [];

  constructor(options: OtherMachineOptions = ownRange()) {
    const { here, there } = options;
    this.#name = `lever-other-${process.pid}`;
    // The name of an interface has 15 characters at most.
    this.#cable = `lever${process.pid % 65_536}`;
    this.hostAddress = addressOf(here);
    try {
      ip("netns", "add", this.#name);
      ip("link", "add", this.#cable, "type", "veth", "peer", "eth0", "netns", this.#name);
      ip("addr", "add", here, "dev", this.#cable);
      ip("link", "set", this.#cable, "up");
      for (const address of there) ip("-n", this.#name, "addr", "add", address, "dev", "eth0");
      ip("-n", this.#name, "link", "set", "eth0", "up");
      ip("-n", this.#name, "link", "set", "lo", "up");
      for (const address of there.slice(1)) {
        ip("route", "add", addressOf(address), "dev", this.#cable);
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Begins a command line that runs over there. */
  get prefix(): readonly string[] {
    return [IP, "netns", "exec", this.#name];
  }

  /** Pulls the cable: what either machine sends is lost, and neither is told. */
  pullCable(): void {
    ip("-n", this.#name, "link", "set", "eth0", "down");
  }

  /** Runs a program for Node (CommonJS) over there until the end; resolves to its first output. */
  async run(program: string): Promise<string> {
    const file = join(tmpdir(), `${this.#name}-${this.#files.length}.cjs`);
    this.#files.push(file);
    writeFileSync(file, program);
    const [command = "", ...args] = [...this.prefix, process.execPath, file];
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#children.push(child);
    const [chunk] = (await once(child.stdout, "data")) as [Buffer];
    return chunk.toString().trim();
  }

  /** The cable goes with the network. */
  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const file of this.#files) rmSync(file, { force: true });
    ip("netns", "del", this.#name);
  }
}

/** A range for measuring networks (RFC 2544), which nothing else uses. */
function ownRange(): OtherMachineOptions {
  // Four addresses for each process.
  const number = (process.pid * 4) % 65_536;
  const network = `198.19.${number >> 8}.${number & 0xff}`;
  const end = (step: number): string => network.replace(/\d+$/, (low) => `${+low + step}/30`);
  return { here: end(1), there: [end(2)] };
}

const addressOf = (address: string): string => address.replace(/\/.*/, "");

function ip(...args: string[]): void {
  execFileSync(IP, args, { stdio: ["ignore", "ignore", "pipe"] });
}
