import { Resolver } from "node:dns/promises";
import { isIPv4 } from "node:net";
import { forbiddenNetworks, isInsideNetwork } from "@leveros/protocol";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../logs/log.ts";

/** How often every name is resolved again. */
const RESOLVE_EVERY_MS = 30_000;
/** Names of all environments. */
const NAMES_MAX = 1_000;
/** Names that are resolved at once. */
const RESOLVING_MAX = 16;
/** Addresses of one name; further ones are left out. */
const ADDRESSES_MAX = 64;
const QUERY = { timeout: 2_000, tries: 2 } as const;

interface Options {
  readonly clock: Clock;
  readonly log: Log;
  /** Resolves to the IPv4 addresses of a name. Default: by the machine's name servers. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  /** The addresses of a name of this environment have changed. */
  readonly onChange: (environment: string) => void;
}

/** Resolves the names in the policies of environments, again and again. A name keeps its last good answer. */
export class FollowedNames {
  readonly #options: Options;
  readonly #environments = new Map<string, readonly string[]>();
  /** Sorted addresses of each name that has been resolved. */
  readonly #answers = new Map<string, readonly string[]>();
  /** Names whose last resolution failed. */
  readonly #failing = new Set<string>();
  #timer: unknown;
  #isClosed = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The addresses of a name; none when it has not been resolved yet. */
  addressesOf(name: string): readonly string[] {
    return this.#answers.get(name) ?? [];
  }

  /** Resolves names that a policy is about to have. Completes an error sentence when one has no address. */
  async check(names: readonly string[]): Promise<string | undefined> {
    const all = new Set([...this.#names(), ...names]);
    if (all.size > NAMES_MAX) return `a host follows at most ${NAMES_MAX} names`;
    this.#forgetAllBut(all);
    let wrong: string | undefined;
    await inParallel(names, async (name) => {
      try {
        this.#answers.set(name, await this.#resolve(name));
      } catch (error) {
        wrong ??= `${name} has no IPv4 address that the machine's name servers know (${reasonOf(error)})`;
      }
    });
    return wrong;
  }

  /** Follows these names for an environment from now on, instead of earlier ones. */
  follow(environment: string, names: readonly string[]): void {
    if (names.length === 0) this.#environments.delete(environment);
    else this.#environments.set(environment, names);
    const isNew = names.some((name) => !this.#answers.has(name));
    if (isNew) void this.#resolveAll();
    else this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #names(): ReadonlySet<string> {
    return new Set([...this.#environments.values()].flat());
  }

  #forgetAllBut(names: ReadonlySet<string>): void {
    for (const known of [this.#answers, this.#failing]) {
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    }
  }

  #schedule(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    if (this.#isClosed || this.#environments.size === 0) return;
    this.#timer = clock.setTimeout(() => void this.#resolveAll(), RESOLVE_EVERY_MS);
  }

  async #resolveAll(): Promise<void> {
    this.#options.clock.clearTimeout(this.#timer);
    const names = this.#names();
    this.#forgetAllBut(names);
    await inParallel([...names], (name) => this.#update(name));
    this.#schedule();
  }

  async #update(name: string): Promise<void> {
    let addresses: readonly string[];
    try {
      addresses = await this.#resolve(name);
      this.#failing.delete(name);
    } catch (error) {
      if (!this.#failing.has(name)) this.#logFailure(name, error);
      this.#failing.add(name);
      return;
    }
    if (this.#isClosed || addresses.join() === this.addressesOf(name).join()) return;
    this.#answers.set(name, addresses);
    for (const [environment, names] of this.#environments) {
      if (names.includes(name)) this.#options.onChange(environment);
    }
  }

  #logFailure(name: string, error: unknown): void {
    const kept = this.addressesOf(name);
    const fields = { name, reason: reasonOf(error), kept };
    for (const [environment, names] of this.#environments) {
      if (!names.includes(name)) continue;
      this.#options.log("warn", "launcher", "name not resolved", { environment, ...fields });
    }
  }

  /** @throws Error when the name has no address that a policy may open. */
  async #resolve(name: string): Promise<readonly string[]> {
    const { resolve = resolveByMachine } = this.#options;
    const found = (await resolve(name)).filter(isAllowed);
    if (found.length === 0) throw new Error("it has none that a policy may open");
    return [...new Set(found)].sort().slice(0, ADDRESSES_MAX);
  }
}

/** With the servers in resolv.conf as it is now. */
function resolveByMachine(name: string): Promise<readonly string[]> {
  return new Resolver(QUERY).resolve4(name);
}

/** A name server's answer opens neither the machine nor metadata services. */
function isAllowed(address: string): boolean {
  if (!isIPv4(address)) return false;
  return !forbiddenNetworks.some((network) => isInsideNetwork({ address, prefix: 32 }, network));
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && "code" in error) return String(error.code);
  return error instanceof Error ? error.message : String(error);
}

async function inParallel(
  names: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<void> {
  const waiting = [...names];
  const next = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await work(name);
  };
  await Promise.all(Array.from({ length: RESOLVING_MAX }, next));
}
