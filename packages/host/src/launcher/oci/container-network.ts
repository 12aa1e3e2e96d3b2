import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NetworkPolicy } from "@leveros/protocol";
import { runTool, type ToolOptions } from "../../processes/run-tool.ts";
import { baseRules, INTERNET_CHAIN, policyChain } from "./network-rules.ts";

/** Where the packages of Linux distributions put the plugins. */
const PLUGIN_DIRS = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];
const PLUGINS = ["ptp", "host-local", "loopback"];

/** The folder of the CNI plugins; undefined when one that is needed is missing. */
export function findPlugins(): string | undefined {
  return PLUGIN_DIRS.find((dir) => PLUGINS.every((name) => existsSync(join(dir, name))));
}

/** Address ranges that hosts pick from: private, and used by few. One holds 4,093 instances. */
const SUBNETS = Array.from({ length: 16 * 7 }, (_, index) => {
  return `10.${213 + Math.floor(index / 16)}.${(index % 16) * 16}.0/20`;
});

/** Which range is taken, for whoever cleans up after a crash. */
const SUBNET_FILE = "subnet";
const LATER = { canWait: true };
/** What may wait at the rate of a link before it is dropped. */
const QUEUE_MS = 50;
/** A token bucket below this does not keep up with the kernel's timer at high rates (tc-tbf(8)). */
const BURST_BYTES_MIN = 64 * 1024;

/** A container's own end of the network. */
export interface NetworkLink {
  readonly address: string;
  /** The host's end of the link. */
  readonly device: string;
}

/**
 * The network of the containers: to each its own link to the host by CNI's `ptp`, an address by `host-local`, a rate
 * each way, and rules (nftables) by which it reaches what its environment may reach, and nothing else: not the host, not
 * another instance. One that belongs to no environment yet runs nobody's code.
 */
export class ContainerNetwork {
  readonly #plugins: string;
  readonly #table: string;
  readonly #config: string;
  /** Of environments with a chain of rules of their own: of all that ever had another policy than the usual one. */
  readonly #policies = new Map<string, NetworkPolicy>();
  /** The addresses of each environment's containers, and the other way round. */
  readonly #members = new Map<string, Set<string>>();
  readonly #environments = new Map<string, string>();
  /** The last change of rules, which the next one waits for. */
  #rules: Promise<unknown> = Promise.resolve();

  private constructor(options: { id: string; plugins: string; stateDir: string; subnet: string }) {
    const { id, plugins, stateDir, subnet } = options;
    this.#plugins = plugins;
    this.#table = tableOf(id);
    this.#config = JSON.stringify({
      cniVersion: "0.4.0",
      name: `lever-${id}`,
      type: "ptp",
      ipMasq: false,
      ipam: {
        type: "host-local",
        subnet,
        routes: [{ dst: "0.0.0.0/0" }],
        dataDir: stateDir,
      },
    });
  }

  /** @throws Error when no range of addresses is free, or the kernel takes no rules. */
  static async open(id: string, plugins: string, stateDir: string): Promise<ContainerNetwork> {
    const subnet = await claimSubnet(id);
    await writeFile(join(stateDir, SUBNET_FILE), subnet);
    const network = new ContainerNetwork({ id, plugins, stateDir, subnet });
    await runTool("nft", ["-f", "-"], { input: baseRules(tableOf(id), subnet, SUBNETS) });
    return network;
  }

  /** Gives a container its link and its address. `pid` is a process in it. */
  async attach(container: string, pid: number): Promise<NetworkLink> {
    const said = await this.#plugin("ADD", container, `/proc/${pid}/ns/net`);
    const { ips, interfaces } = JSON.parse(said) as {
      ips: readonly { address: string }[];
      interfaces: readonly { name: string; sandbox?: string }[];
    };
    const address = ips[0]?.address.split("/")[0];
    const device = interfaces.find(({ sandbox }) => !sandbox)?.name;
    if (address === undefined || device === undefined) {
      throw new Error("The network plugin tells neither link nor address.");
    }
    await this.#runRules(() => [this.#element("add", address, INTERNET_CHAIN)]);
    return { address, device };
  }

  /** Holds a container to a rate, each way: what it receives at the host's end of its link, what it sends at its own. */
  async limit({ device }: NetworkLink, pid: number, bytesPerSecond: number): Promise<void> {
    const burst = Math.max(BURST_BYTES_MIN, Math.round((bytesPerSecond * QUEUE_MS) / 1_000 / 4));
    const bucket = ["tbf", "rate", `${bytesPerSecond}bps`, "burst", String(burst)];
    const shape = ["root", ...bucket, "latency", `${QUEUE_MS}ms`];
    await Promise.all([
      runTool("tc", ["qdisc", "replace", "dev", device, ...shape]),
      runTool("nsenter", [
        "-t",
        String(pid),
        "-n",
        "tc",
        "qdisc",
        "replace",
        "dev",
        "eth0",
        ...shape,
      ]),
    ]);
  }

  /** From now on the container is one of the environment's. Where that reaches the internet, nothing has to change. */
  async admit({ address }: NetworkLink, environment: string): Promise<void> {
    const members = this.#members.get(environment) ?? new Set();
    this.#members.set(environment, members.add(address));
    this.#environments.set(address, environment);
    if (!this.#policies.has(environment)) return;
    await this.#runRules(() => this.#chainAndMoves(environment, [address]));
  }

  /** What the environment's containers may reach, those that run too: also what they have open is held to it. */
  async setPolicy(environment: string, policy: NetworkPolicy): Promise<void> {
    if (policy === "internet" && !this.#policies.has(environment)) return;
    this.#policies.set(environment, policy);
    await this.#runRules(() =>
      this.#chainAndMoves(environment, [...(this.#members.get(environment) ?? [])]),
    );
  }

  #chainAndMoves(environment: string, addresses: readonly string[]): string[] {
    const chain = chainOf(environment);
    const policy = this.#policies.get(environment) ?? "internet";
    return [
      ...policyChain(this.#table, chain, policy),
      ...addresses.flatMap((address) => [
        this.#element("delete", address),
        this.#element("add", address, chain),
      ]),
    ];
  }

  #element(action: "add" | "delete", address: string, chain?: string): string {
    const value = chain === undefined ? address : `${address} : jump ${chain}`;
    return `${action} element inet ${this.#table} policies { ${value} }`;
  }

  /** One after the other, each as it is when its turn has come: one that names an address that has gone would fail whole. */
  #runRules(lines: () => readonly string[]): Promise<unknown> {
    const run = async (): Promise<unknown> =>
      await runTool("nft", ["-f", "-"], { input: lines().join("\n") });
    const running = this.#rules.then(run);
    this.#rules = running.catch(() => {});
    return running;
  }

  /** Gives the address of a container that has ended back; its link has gone with it. */
  async detach(container: string, link: NetworkLink | undefined): Promise<void> {
    // First of all: the next one with this address may be somebody else's.
    if (link !== undefined) {
      const { address } = link;
      this.#members.get(this.#environments.get(address) ?? "")?.delete(address);
      this.#environments.delete(address);
      await this.#runRules(() => [this.#element("delete", address)]);
    }
    await this.#plugin("DEL", container, "", LATER);
  }

  async #plugin(
    command: "ADD" | "DEL",
    container: string,
    netns: string,
    options: ToolOptions = {},
  ): Promise<string> {
    return await runTool(join(this.#plugins, "ptp"), [], {
      ...options,
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: container,
        CNI_NETNS: netns,
        CNI_IFNAME: "eth0",
        CNI_PATH: this.#plugins,
      },
      input: this.#config,
    });
  }
}

/** Gives the range of addresses back that a host claimed whose network kept its state in this folder, if there is one. */
export async function giveSubnetBack(stateDir: string): Promise<void> {
  const file = join(stateDir, SUBNET_FILE);
  if (!existsSync(file)) return;
  await runTool("ip", ["route", "del", "blackhole", await readFile(file, "utf8")]);
}

/** Takes away the rules that a host with this id made; what it did not make is left alone. */
export async function removeNetwork(id: string): Promise<void> {
  // Made first, so that the removal of what is not there is no error.
  const table = tableOf(id);
  await runTool("nft", ["-f", "-"], {
    input: `table inet ${table} {}\ndelete table inet ${table}\n`,
  });
}

const tableOf = (id: string): string => `lever_${id}`;

/** Names of chains are short, and of fewer characters than those of environments. */
function chainOf(environment: string): string {
  return `env_${createHash("sha256").update(environment).digest("hex").slice(0, 24)}`;
}

/** A route of last resort marks a range as taken, for every host on this machine at once: the kernel makes it or not. */
async function claimSubnet(id: string): Promise<string> {
  // Not everybody asks for the same one first, and a host gets its own again.
  const first = Number.parseInt(id.slice(0, 6), 16) % SUBNETS.length;
  let last: unknown;
  for (let index = 0; index < SUBNETS.length; index++) {
    const subnet = SUBNETS[(first + index) % SUBNETS.length] ?? "";
    try {
      const routes = await runTool("ip", ["-4", "route", "show", "root", subnet]);
      if (routes.trim() !== "") continue;
      await runTool("ip", ["route", "add", "blackhole", subnet]);
      return subnet;
    } catch (error) {
      last = error;
    }
  }
  throw new Error("No range of addresses is free for instances.", { cause: last });
}
