import { setTimeout as delay } from "node:timers/promises";
import { isExpected } from "./call-outcomes.ts";
import type { ChaosHost } from "./chaos-host.ts";
import { changing } from "./chaos-services.ts";
import type { AdminAnswer, ChaosWorld } from "./chaos-world.ts";

const EVERY_MS = 300;
const SERVICE = "changing";

/**
 * Makes changes, each at some host: deploys, variables, tokens and their revocation. What was acknowledged must hold on every host
 * in the end.
 */
export class Operator {
  readonly violations: string[] = [];
  /** Changes by their kind and outcome. */
  readonly outcomes = new Map<string, number>();
  readonly #world: ChaosWorld;
  readonly #random: () => number;
  #isDone = false;
  #running: Promise<void> | undefined;
  #number = 0;
  /** Ids of tokens that nobody has tried to revoke. */
  readonly #tokens = new Set<string>();
  /** Ids of tokens whose revocation was acknowledged. */
  readonly #revoked = new Set<string>();
  readonly #variables = new Map<string, string>();
  /** What each version answers. */
  readonly #versions = new Map<number, number>();

  constructor(world: ChaosWorld, random: () => number) {
    this.#world = world;
    this.#random = random;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the last change is answered. */
  async stop(): Promise<void> {
    this.#isDone = true;
    await this.#running;
  }

  /** Compares each host with what was acknowledged. Returns the differences. */
  async check(): Promise<readonly string[]> {
    const found: string[] = [...this.violations];
    const live = new Set<string>();
    for (const host of this.#world.hosts) {
      const of = (what: string): string => `${host.name} ${what}`;
      const tokens = idsOf(await this.#world.admin(host, "listTokens"));
      for (const id of this.#tokens) if (!tokens.has(id)) found.push(of(`lost the token ${id}`));
      for (const id of this.#revoked) if (tokens.has(id)) found.push(of(`kept the token ${id}`));
      const variables = valuesOf(await this.#world.admin(host, "listVariables", "dev.lever"));
      for (const [name, value] of this.#variables) {
        if (variables.get(name) !== value) found.push(of(`lost the variable ${name}`));
      }
      const versions = await this.#world.admin(host, "listVersions", "dev.lever", SERVICE);
      const newest = versions.isDone ? (versions.value[0]?.version ?? 0) : 0;
      const last = Math.max(0, ...this.#versions.keys());
      if (newest < last) found.push(of(`has version ${newest}, and ${last} was acknowledged`));
      const answer = (await this.#world.call(host, `/${SERVICE}/answer`)).text;
      live.add(`version ${newest} answers ${answer}`);
      const deployed = this.#versions.get(newest);
      if (deployed !== undefined && String(deployed) !== answer) {
        found.push(of(`answers ${answer} by version ${newest}, which answers ${deployed}`));
      }
    }
    if (live.size > 1) found.push(`hosts differ: ${[...live].join("; ")}`);
    return found;
  }

  async #run(): Promise<void> {
    const changes = [this.#deploy, this.#setVariable, this.#createToken, this.#revokeToken];
    while (!this.#isDone) {
      const change = this.#pick(changes);
      const host = this.#pick(this.#world.hosts);
      if (change !== undefined && host !== undefined) await change.call(this, host);
      await delay(EVERY_MS);
    }
  }

  async #deploy(host: ChaosHost): Promise<void> {
    const number = ++this.#number;
    const answer = await this.#world.deploy(host, changing(number));
    this.#note("deploys", host, answer);
    if (!answer.isDone) return;
    const { version } = answer.value;
    if (this.#versions.has(version)) this.violations.push(`version ${version} was given twice`);
    this.#versions.set(version, number);
  }

  async #setVariable(host: ChaosHost): Promise<void> {
    const name = `N${++this.#number}`;
    const value = `${this.#number}`;
    const args = ["dev.lever", "configured", name, value] as const;
    const answer = await this.#world.admin(host, "setVariable", ...args);
    this.#note("variables", host, answer);
    if (answer.isDone) this.#variables.set(name, value);
  }

  async #createToken(host: ChaosHost): Promise<void> {
    const grant = { environments: ["dev.lever"], rights: ["invoke"] } as const;
    const answer = await this.#world.admin(host, "createToken", grant);
    this.#note("tokens", host, answer);
    if (answer.isDone) this.#tokens.add(answer.value.id);
  }

  async #revokeToken(host: ChaosHost): Promise<void> {
    const [id] = this.#tokens;
    if (id === undefined) return;
    // Without an answer, it may hold or not.
    this.#tokens.delete(id);
    const answer = await this.#world.admin(host, "revokeToken", id);
    this.#note("revocations", host, answer);
    if (answer.isDone) this.#revoked.add(id);
  }

  #note(kind: string, host: ChaosHost, answer: AdminAnswer<unknown>): void {
    const outcome = answer.isDone ? "ok" : answer.outcome;
    // Of deploys at once, one may be too late.
    if (!isExpected(outcome) && outcome !== "conflict") {
      this.violations.push(`${kind} at ${host.name}: ${outcome}`);
    }
    const key = `${kind}: ${outcome}`;
    this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1);
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }
}

function idsOf(answer: AdminAnswer<readonly { readonly id: string }[]>): ReadonlySet<string> {
  return new Set(answer.isDone ? answer.value.map(({ id }) => id) : []);
}

function valuesOf(
  answer: AdminAnswer<readonly { readonly name: string; readonly value: string | null }[]>,
): ReadonlyMap<string, string | null> {
  return new Map(answer.isDone ? answer.value.map(({ name, value }) => [name, value]) : []);
}
