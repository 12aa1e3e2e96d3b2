import { existsSync, readlinkSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { destinationsOf, type NetworkPolicy } from "@leveros/protocol";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../logs/log.ts";
import { runTool, type ToolOptions } from "../../processes/run-tool.ts";
import type { InstanceAccess, NetworkControl } from "../launcher.ts";
import { machineAddresses } from "../machine-addresses.ts";
import { BlockedConnections } from "./blocked-connections.ts";
import { type NetworkLink, parseCniResult } from "./cni-result.ts";
import { FollowedNames } from "./followed-names.ts";
import { innerRules } from "./machine-rules.ts";
import { readNameservers } from "./nameservers.ts";
import { baseRules } from "./network-rules.ts";
import { PolicyMap } from "./policy-map.ts";
import { refuseUnreachable } from "./refuse-unreachable.ts";
import { claimSubnet, gatewayOf, SUBNETS } from "./subnet.ts";

/** Where the packages of Linux distributions put the CNI plugins. */
const PLUGIN_DIRS = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];
const PLUGINS = ["ptp", "host-local", "loopback"];

/** The folder of the CNI plugins; undefined when one of those that Lever uses is missing. */
export function findPlugins(): string | undefined {
  return PLUGIN_DIRS.find((dir) => PLUGINS.every((name) => existsSync(join(dir, name))));
}

/** How long packets may wait for the rate limit before they are dropped. */
const QUEUE_MS = 50;
/** A smaller token bucket does not keep up with the kernel's timer at high rates (tc-tbf(8)). */
const BURST_BYTES_MIN = 64 * 1024;

/**
 * Runs in the network namespace of a container, to which the first argument belongs: its pid could be another process's by
 * now. The kernel sends no packet with a loopback address to an interface that does not allow it.
 */
const INNER_SCRIPT = `[ "$(readlink /proc/self/ns/net)" = "$1" ] || exit 0
echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet && exec nft -f -`;

/** A container with a link. */
interface Connected {
  readonly pid: number;
  /** Identifies its network namespace. */
  readonly namespace: string;
  readonly device: string;
  /** It has rules of its own. */
  hasRules: boolean;
  /** Changes of its rules run one after the other. */
  lastChange: Promise<unknown>;
}

interface NetworkOptions {
  /** Unique on this machine; names the table of rules. */
  readonly hostId: string;
  /** Folder of the CNI plugins. */
  readonly plugins: string;
  /** Folder where the plugins store the addresses in use. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The network of the containers. Each has its own link to the host (CNI plugin `ptp`), an address (`host-local`), a rate
 * limit in each direction, and rules (nftables) for what it may reach. It reaches neither the host nor another instance.
 * Until it belongs to an environment it has the default policy; no code of a service runs in it then.
 */
export class ContainerNetwork implements NetworkControl {
  readonly #plugins: string;
  readonly #config: string;
  readonly #policies: PolicyMap;
  readonly #table: string;
  readonly #gateway: string;
  /** Ports of this host for its callers. */
  readonly #leverPorts = new Set<number>();
  readonly #names: FollowedNames;
  readonly #blocked: BlockedConnections;
  /** By address. */
  readonly #connected = new Map<string, Connected>();
  /** Changes of rules run one after the other. */
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor(options: NetworkOptions, subnet: string) {
    const { hostId, plugins, stateDir, clock, log } = options;
    this.#plugins = plugins;
    this.#table = tableOf(hostId);
    this.#gateway = gatewayOf(subnet);
    const onChange = (environment: string): void => {
      // A failed change is made with the next one.
      this.#change(() => this.#policies.commandsFor(environment)).catch(() => {});
    };
    this.#names = new FollowedNames({ clock, log, onChange });
    const listBlocked = ["-j", "list", "set", "inet", this.#table, "blocked"];
    this.#blocked = new BlockedConnections({
      clock,
      log,
      list: () => runTool("nft", listBlocked, { priority: "low" }),
    });
    this.#policies = new PolicyMap({
      table: this.#table,
      gateway: this.#gateway,
      nameservers: readNameservers,
      addressesOf: (name) => this.#names.addressesOf(name),
      machineAddresses,
    });
    this.#config = JSON.stringify({
      cniVersion: "0.4.0",
      name: `lever-${hostId}`,
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

  /** @throws Error when no range of addresses is free, or the kernel refuses the rules. */
  static async open(options: NetworkOptions): Promise<ContainerNetwork> {
    const subnet = await claimSubnet(options.hostId, options.stateDir);
    const table = tableOf(options.hostId);
    const nameservers = readNameservers();
    const gateway = gatewayOf(subnet);
    const rules = baseRules({ table, subnet, gateway, subnets: SUBNETS, nameservers });
    await runTool("nft", ["-f", "-"], { input: rules });
    return new ContainerNetwork(options, subnet);
  }

  /** Gives a container its link and address. `pid`: any process in it. */
  async connect(container: string, pid: number): Promise<NetworkLink> {
    const result = await this.#plugin("ADD", container, `/proc/${pid}/ns/net`);
    const link = parseCniResult(result);
    const namespace = readlinkSync(`/proc/${pid}/ns/net`);
    const { device } = link;
    const connected = { pid, namespace, device, hasRules: false, lastChange: Promise.resolve() };
    this.#connected.set(link.address, connected);
    await this.#change(() => this.#policies.add(link.address));
    return link;
  }

  /** Limits what a container receives (at the host's end of its link) and what it sends (at its own end). */
  async limitRate({ device }: NetworkLink, pid: number, bytesPerSecond: number): Promise<void> {
    const burst = Math.max(BURST_BYTES_MIN, Math.round((bytesPerSecond * QUEUE_MS) / 1_000 / 4));
    const bucket = ["tbf", "rate", `${bytesPerSecond}bps`, "burst", String(burst)];
    const limit = (dev: string): string[] => [
      ...["qdisc", "replace", "dev", dev, "root", ...bucket],
      ...["latency", `${QUEUE_MS}ms`],
    ];
    await Promise.all([
      runTool("tc", limit(device)),
      runTool("nsenter", ["-t", String(pid), "-n", "tc", ...limit("eth0")]),
    ]);
  }

  /** Applies the environment's policy to the container from now on. With the default policy no rule has to change. */
  async joinEnvironment({ address }: NetworkLink, access: InstanceAccess): Promise<void> {
    const { environment, names } = access;
    if (names !== undefined) this.#blocked.add(address, names);
    if (!this.#policies.join(address, environment)) return;
    await this.#change(() => this.#policies.commandsFor(environment, [address]));
    await this.#openLoopback(environment, address);
  }

  /** Changes what the environment's containers may reach, including running ones and their open connections. */
  async setPolicy(environment: string, policy: NetworkPolicy): Promise<void> {
    if (!this.#policies.setPolicy(environment, policy)) return;
    this.#names.follow(environment, namesOf(policy));
    await this.#change(() => this.#policies.commandsFor(environment));
    const addresses = [...this.#policies.addressesOf(environment)];
    await Promise.all(addresses.map((address) => this.#openLoopback(environment, address)));
  }

  async refuse(policy: NetworkPolicy): Promise<string | undefined> {
    const addresses = machineAddresses();
    const surroundings = { leverPorts: this.#leverPorts, addresses, subnets: SUBNETS };
    return refuseUnreachable(policy, surroundings) ?? (await this.#names.check(namesOf(policy)));
  }

  /** Keeps instances from the port of Lever itself by loopback: there its callers count as local ones. */
  async protectPort(port: number): Promise<void> {
    this.#leverPorts.add(port);
    await this.#change(() => [`add element inet ${this.#table} lever_ports { ${port} }`]);
  }

  /** Applies the environment's list of loopback ports to a container. */
  async #openLoopback(environment: string, address: string): Promise<void> {
    const connected = this.#connected.get(address);
    if (connected === undefined) return;
    const apply = async (): Promise<void> => {
      const ports = this.#policies.loopbackPortsOf(environment);
      if (ports.length === 0 && !connected.hasRules) return;
      connected.hasRules = true;
      await this.#replaceInnerRules(connected, innerRules(ports, this.#gateway));
    };
    const running = connected.lastChange.then(apply);
    connected.lastChange = running.catch(() => {});
    await running;
  }

  async #replaceInnerRules(connected: Connected, rules: string): Promise<void> {
    const { pid, namespace, device } = connected;
    try {
      // The host accepts no packet to a loopback address from an interface that does not allow it.
      await writeFile(`/proc/sys/net/ipv4/conf/${device}/route_localnet`, "1");
      const script = ["sh", "-c", INNER_SCRIPT, "sh", namespace];
      await runTool("nsenter", ["-t", String(pid), "-n", ...script], { input: rules });
    } catch (error) {
      // The rules of a container that has ended meanwhile are gone with it.
      if (existsSync(`/proc/${pid}`)) throw error;
    }
  }

  /** Computes the commands when the previous change is done: commands that contain a released address would all fail. */
  #change(commands: () => readonly string[]): Promise<unknown> {
    const run = async (): Promise<unknown> =>
      await runTool("nft", ["-f", "-"], { input: commands().join("\n") });
    const running = this.#lastChange.then(run);
    this.#lastChange = running.catch(() => {});
    return running;
  }

  /** Releases the address of an ended container. The kernel has removed its link. */
  async disconnect(container: string, link: NetworkLink | undefined): Promise<void> {
    if (link !== undefined) {
      // Before the address is free: its next container may belong to another environment.
      const commands = this.#policies.remove(link.address);
      this.#connected.delete(link.address);
      this.#blocked.remove(link.address);
      await this.#change(() => commands);
    }
    await this.#plugin("DEL", container, "", { priority: "low" });
  }

  /** Removes nothing of the kernel's: `removeRules` does. */
  close(): void {
    this.#blocked.close();
    this.#names.close();
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

/** Removes the rules of the host with this id, if there are any. */
export async function removeRules(hostId: string): Promise<void> {
  // nft fails to delete a table that does not exist, so it is created first.
  const table = tableOf(hostId);
  await runTool("nft", ["-f", "-"], {
    input: `table inet ${table} {}\ndelete table inet ${table}\n`,
  });
}

function namesOf(policy: NetworkPolicy): readonly string[] {
  if (typeof policy === "string") return [];
  return destinationsOf(policy).flatMap((of) => (of.kind === "name" ? of.name : []));
}

const tableOf = (hostId: string): string => `lever_${hostId}`;
