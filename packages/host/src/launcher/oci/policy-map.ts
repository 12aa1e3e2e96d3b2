import { createHash } from "node:crypto";
import type { NetworkPolicy } from "@leveros/protocol";
import { INTERNET_CHAIN, policyChain } from "./network-rules.ts";

interface PolicyMapOptions {
  /** The table of rules. */
  readonly table: string;
  /** The machine's name servers now. */
  readonly nameservers: () => readonly string[];
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

  constructor(options: PolicyMapOptions) {
    this.#options = options;
  }

  /** Commands for a new container, which belongs to no environment. */
  add(address: string): readonly string[] {
    return [this.#element("add", address, INTERNET_CHAIN)];
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
    const { table, nameservers } = this.#options;
    const chain = chainOf(environment);
    const policy = this.#policies.get(environment) ?? "internet";
    return [
      ...policyChain({ table, chain, policy, nameservers: nameservers() }),
      ...[...addresses].flatMap((address) => [
        this.#element("delete", address),
        this.#element("add", address, chain),
      ]),
    ];
  }

  /** Commands for the address of a container that has ended. */
  remove(address: string): readonly string[] {
    const environment = this.#environments.get(address);
    if (environment !== undefined) this.#addresses.get(environment)?.delete(address);
    this.#environments.delete(address);
    return [this.#element("delete", address)];
  }

  #element(action: "add" | "delete", address: string, chain?: string): string {
    const value = chain === undefined ? address : `${address} : jump ${chain}`;
    return `${action} element inet ${this.#options.table} policies { ${value} }`;
  }
}

/** Names of chains are shorter than names of environments may be, and allow fewer characters. */
function chainOf(environment: string): string {
  return `env_${createHash("sha256").update(environment).digest("hex").slice(0, 24)}`;
}
