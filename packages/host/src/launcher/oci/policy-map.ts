import { createHash } from "node:crypto";
import { type Destination, destinationsOf, type NetworkPolicy } from "@leveros/protocol";
import { loopbackPorts, machineChains } from "./machine-rules.ts";
import { INTERNET_CHAIN, policyChain } from "./network-rules.ts";

interface PolicyMapOptions {
  /** The table of rules. */
  readonly table: string;
  /** The address of the host's end of every container's link. */
  readonly gateway: string;
  /** The machine's name servers now. */
  readonly nameservers: () => readonly string[];
  /** The addresses that a name has now. */
  readonly addressesOf: (name: string) => readonly string[];
  /** The machine's addresses now. */
  readonly machineAddresses: () => ReadonlySet<string>;
}

/**
 * Which addresses belong to which environment, and what each environment may reach. Returns the commands of nft(8) that
 * bring the kernel's map from addresses to chains up to date; running them is up to the caller.
 */
export class PolicyMap {
  readonly #options: PolicyMapOptions;
  /** Environments with a chain of their own: those that have had another policy than the default. */
  readonly #policies = new Map<string, NetworkPolicy>();
  /** The addresses of each environment's containers. */
  readonly #addresses = new Map<string, Set<string>>();
  /** The environment of each address. */
  readonly #environments = new Map<string, string>();
  /** Addresses that are mapped to chains for packets to the machine. */
  readonly #atMachine = new Set<string>();

  constructor(options: PolicyMapOptions) {
    this.#options = options;
  }

  /** Commands for a new container, which belongs to no environment. */
  add(address: string): readonly string[] {
    return [this.#element("add", "policies", address, INTERNET_CHAIN)];
  }

  /** Returns whether the rules have to change (`commandsFor`). With the default policy they do not. */
  join(address: string, environment: string): boolean {
    const addresses = this.#addresses.get(environment) ?? new Set();
    this.#addresses.set(environment, addresses.add(address));
    this.#environments.set(address, environment);
    return this.#policies.has(environment);
  }

  /** Returns whether the rules have to change (`commandsFor`). */
  setPolicy(environment: string, policy: NetworkPolicy): boolean {
    if (policy === "internet" && !this.#policies.has(environment)) return false;
    this.#policies.set(environment, policy);
    return true;
  }

  /** Commands that apply an environment's policy to some of its addresses; default: to all. */
  commandsFor(
    environment: string,
    addresses: Iterable<string> = this.#addresses.get(environment) ?? [],
  ): readonly string[] {
    const { table, gateway, nameservers, addressesOf, machineAddresses } = this.#options;
    const [chain, portsChain, machineChain] = chainsOf(environment);
    const policy = this.#policies.get(environment) ?? "internet";
    return [
      ...policyChain({ table, chain, policy, nameservers: nameservers(), addressesOf }),
      ...machineChains({
        table,
        portsChain,
        policyChain: machineChain,
        destinations: this.#destinationsOf(environment),
        gateway,
        addresses: machineAddresses(),
      }),
      ...[...addresses].flatMap((address) => {
        const moved = [
          this.#element("delete", "policies", address),
          this.#element("add", "policies", address, chain),
        ];
        if (this.#atMachine.has(address)) return moved;
        this.#atMachine.add(address);
        return [
          ...moved,
          this.#element("add", "machine_ports", address, portsChain),
          this.#element("add", "machine_policies", address, machineChain),
        ];
      }),
    ];
  }

  /** The addresses of an environment's containers. */
  addressesOf(environment: string): Iterable<string> {
    return this.#addresses.get(environment) ?? [];
  }

  /** Loopback ports of the machine that the environment's containers reach. */
  loopbackPortsOf(environment: string): ReturnType<typeof loopbackPorts> {
    return loopbackPorts(this.#destinationsOf(environment));
  }

  #destinationsOf(environment: string): readonly Destination[] {
    const policy = this.#policies.get(environment) ?? "internet";
    return typeof policy === "string" ? [] : destinationsOf(policy);
  }

  /** Commands for the address of a container that has ended. */
  remove(address: string): readonly string[] {
    const environment = this.#environments.get(address);
    if (environment !== undefined) {
      const others = this.#addresses.get(environment);
      others?.delete(address);
      if (others?.size === 0) this.#addresses.delete(environment);
    }
    this.#environments.delete(address);
    const commands = [this.#element("delete", "policies", address)];
    if (!this.#atMachine.delete(address)) return commands;
    return [
      ...commands,
      this.#element("delete", "machine_ports", address),
      this.#element("delete", "machine_policies", address),
    ];
  }

  #element(action: "add" | "delete", map: string, address: string, chain?: string): string {
    const value = chain === undefined ? address : `${address} : jump ${chain}`;
    return `${action} element inet ${this.#options.table} ${map} { ${value} }`;
  }
}

/** Names of chains are shorter than names of environments may be, and allow fewer characters. */
function chainsOf(environment: string): [policy: string, ports: string, machine: string] {
  const hash = createHash("sha256").update(environment).digest("hex").slice(0, 24);
  return [`env_${hash}`, `ports_${hash}`, `machine_${hash}`];
}
