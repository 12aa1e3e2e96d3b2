import { execFileSync, spawnSync } from "node:child_process";

/** Where Debian has it, whatever the PATH. */
const IP = "/usr/sbin/ip";
const ROUTER = "router";

/**
 * Machines on networks of their own: network namespaces of this kernel, around a router that loses what it is told to lose. Needs
 * root. The networks of this machine itself are not touched.
 */
export class Machines implements Disposable {
  readonly #names: readonly string[];
  readonly #namespaces: string[] = [];
  /** Rules of the router, to remove them. */
  readonly #lost = new Map<string, readonly string[]>();
  #cables = 0;
  readonly #remove = (): void => this[Symbol.dispose]();

  constructor(names: readonly string[]) {
    this.#names = names;
    process.once("exit", this.#remove);
    try {
      for (const name of [ROUTER, ...names]) {
        ip("netns", "add", namespaceOf(name));
        this.#namespaces.push(namespaceOf(name));
        this.#ip(name, "link", "set", "lo", "up");
      }
      for (const name of names) {
        this.#plug(name, ROUTER, {
          here: { device: "eth0", address: this.addressOf(name) },
          there: { device: `to-${name}`, address: this.#addressOf(name, 1) },
        });
        this.#ip(name, "route", "add", "default", "via", this.#addressOf(name, 1));
      }
      const forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
      execFileSync(IP, ["netns", "exec", namespaceOf(ROUTER), "sh", "-c", forward]);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Begins a command line that runs on the machine. */
  prefixOf(name: string): readonly string[] {
    return [IP, "netns", "exec", namespaceOf(name)];
  }

  /** At the router's network. */
  addressOf(name: string): string {
    return this.#addressOf(name, 2);
  }

  /** Connects two machines by a cable of their own, which the router cannot cut. Returns the address of the second one there. */
  connect(first: string, second: string): string {
    const number = ++this.#cables;
    const [here, there] = [1, 2].map((end) => `198.19.${number}.${end}`) as [string, string];
    this.#plug(first, second, {
      here: { device: `cable${number}`, address: here },
      there: { device: `cable${number}`, address: there },
    });
    return there;
  }

  /** From now on, what the first machine sends the second one is lost, and neither is told. */
  lose(from: string, to: string): void {
    const rule = ["from", this.addressOf(from), "to", this.addressOf(to), "blackhole"];
    const key = rule.join(" ");
    if (this.#lost.has(key)) return;
    this.#ip(ROUTER, "rule", "add", ...rule);
    this.#lost.set(key, rule);
  }

  /** The machine's link to the router goes down. */
  unplug(name: string): void {
    this.#ip(ROUTER, "link", "set", `to-${name}`, "down");
  }

  /** Everything arrives again. */
  heal(): void {
    for (const rule of this.#lost.values()) this.#ip(ROUTER, "rule", "del", ...rule);
    this.#lost.clear();
    for (const name of this.#names) this.#ip(ROUTER, "link", "set", `to-${name}`, "up");
  }

  /** Networks go with their machines. May be called twice. */
  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    for (const namespace of this.#namespaces.splice(0)) spawnSync(IP, ["netns", "del", namespace]);
  }

  #addressOf(name: string, end: 1 | 2): string {
    return `198.18.${this.#names.indexOf(name) + 1}.${end}`;
  }

  #plug(
    first: string,
    second: string,
    ends: { readonly here: CableEnd; readonly there: CableEnd },
  ): void {
    const { here, there } = ends;
    const peer = ["type", "veth", "peer", "name", there.device, "netns", namespaceOf(second)];
    this.#ip(first, "link", "add", "name", here.device, ...peer);
    for (const [name, { device, address }] of [
      [first, here],
      [second, there],
    ] as const) {
      this.#ip(name, "addr", "add", `${address}/24`, "dev", device);
      this.#ip(name, "link", "set", device, "up");
    }
  }

  #ip(name: string, ...args: readonly string[]): void {
    ip("-n", namespaceOf(name), ...args);
  }
}

interface CableEnd {
  readonly device: string;
  readonly address: string;
}

/** Of this process, so that two runs do not meet. */
function namespaceOf(name: string): string {
  return `lever-chaos-${process.pid}-${name}`;
}

function ip(...args: readonly string[]): void {
  execFileSync(IP, args, { stdio: ["ignore", "ignore", "pipe"] });
}
