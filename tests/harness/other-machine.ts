import { execFileSync } from "node:child_process";

/** Where Debian has it, whatever the PATH. */
const IP = "/usr/sbin/ip";

/**
 * Another machine: a network of its own on this kernel, with one cable to this one. Needs root. What it runs sees this
 * machine as any stranger does.
 */
export class OtherMachine implements Disposable {
  /** This machine's address at the cable. */
  readonly hostAddress: string;
  readonly #name: string;
  readonly #cable: string;

  constructor() {
    const number = process.pid % 65_536;
    this.#name = `lever-other-${number}`;
    // The name of an interface has 15 characters at most.
    this.#cable = `lever${number}`;
    // A range for measuring networks (RFC 2544), which nothing else uses.
    const network = `198.19.${number >> 8}.${number & 0xfc}`;
    const [own, other] = [1, 2].map((end) => network.replace(/\d+$/, (low) => `${+low + end}`));
    this.hostAddress = own ?? "";
    try {
      ip("netns", "add", this.#name);
      ip("link", "add", this.#cable, "type", "veth", "peer", "eth0", "netns", this.#name);
      ip("addr", "add", `${own}/30`, "dev", this.#cable);
      ip("link", "set", this.#cable, "up");
      ip("-n", this.#name, "addr", "add", `${other}/30`, "dev", "eth0");
      ip("-n", this.#name, "link", "set", "eth0", "up");
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Begins a command line that runs over there. */
  get prefix(): readonly string[] {
    return [IP, "netns", "exec", this.#name];
  }

  /** The cable goes with the network. */
  [Symbol.dispose](): void {
    ip("netns", "del", this.#name);
  }
}

function ip(...args: string[]): void {
  execFileSync(IP, args, { stdio: ["ignore", "ignore", "pipe"] });
}
