import { KEEPER_CHECK_MS } from "@leveros/host/parts";
import { seededRandom } from "../../harness/seeded-random.ts";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import { ClusterFaults } from "./cluster-faults.ts";
import { ClusterJudge } from "./cluster-judge.ts";
import { type ClusterRules, clusterRules } from "./cluster-rules.ts";
import type { SimulatedCall } from "./simulated-call.ts";
import { SimulatedDatabase } from "./simulated-database.ts";
import type { SimulatedHost } from "./simulated-host.ts";
import type { SimulatedMachine } from "./simulated-machine.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { SimulatedServer } from "./simulated-server.ts";

/** Things happen and break for this time, then calls alone go on, then each host is asked for each resource. */
const BUSY_MS = 60_000;
const PEACE_MS = 35_000;
const LAST_CALLS_MS = 15_000;
const CALL_TIMEOUT_MS = 15_000;
const CALL_EVERY_MS = 250;

export interface ClusterResult {
  readonly steps: number;
  readonly counts: ClusterJudge["counts"];
  /** Broken promises, with the true time. */
  readonly violations: readonly string[];
}

/** Hosts, their machines, a network and a database, for one seed. True time is that of the virtual clock. */
export class ClusterWorld {
  readonly random: () => number;
  readonly rules: ClusterRules;
  readonly keeperCheckMs = KEEPER_CHECK_MS;
  readonly judge: ClusterJudge;
  readonly network: SimulatedNetwork;
  readonly database: SimulatedDatabase;
  readonly servers: readonly SimulatedServer[];
  faults: ClusterFaults | undefined;
  isPeaceful = false;
  readonly #clock = new VirtualClock();
  readonly #resources: readonly string[];
  readonly #open = new Map<SimulatedCall, SimulatedHost>();
  #calls = 0;

  constructor(seed: number, mutation: Partial<ClusterRules> = {}) {
    this.random = seededRandom(seed);
    this.rules = { ...clusterRules, ...mutation };
    this.judge = new ClusterJudge(this);
    this.network = new SimulatedNetwork(this);
    this.database = new SimulatedDatabase(this);
    const hosts = 2 + Math.floor(this.random() * 3);
    this.servers = Array.from({ length: hosts }, (_, i) => new SimulatedServer(this, `h${i + 1}`));
    const resources = 1 + Math.floor(this.random() * 4);
    this.#resources = Array.from({ length: resources }, (_, i) => `r${i + 1}`);
  }

  get trueMs(): number {
    return this.#clock.now();
  }

  after(ms: number, callback: () => void): void {
    this.#clock.setTimeout(callback, ms);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  oneOf<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.random() * items.length)];
  }

  machineOf(name: string): SimulatedMachine | undefined {
    return this.servers.find(({ machine }) => machine.name === name)?.machine;
  }

  hostOf(name: string): SimulatedHost | undefined {
    return this.servers.find(({ machine }) => machine.name === name)?.host;
  }

  /** The connections of its callers break. */
  onHostDead(host: SimulatedHost): void {
    for (const [call, at] of this.#open) {
      if (at !== host) continue;
      this.#open.delete(call);
      this.judge.onEnd(call, "unreachable");
    }
  }

  run(): ClusterResult {
    for (const server of this.servers) this.after(this.random() * 500, () => server.start());
    this.faults = new ClusterFaults(this, BUSY_MS);
    this.#callOnAndOn();
    let steps = 0;
    const runUntil = (ms: number): void => {
      while (this.judge.violations.length === 0 && this.#clock.runNext(ms)) steps++;
    };
    runUntil(BUSY_MS);
    this.isPeaceful = true;
    runUntil(BUSY_MS + PEACE_MS);
    for (const { host } of this.judge.violations.length === 0 ? this.servers : []) {
      if (host?.right !== "own") this.judge.violate(`${host?.name} has no lease in peace`);
      for (const resource of this.#resources) {
        if (host !== undefined) this.#lastCall(host, resource);
      }
    }
    runUntil(BUSY_MS + PEACE_MS + LAST_CALLS_MS);
    if (this.judge.violations.length === 0) this.#checkQuiet();
    return { steps, counts: this.judge.counts, violations: this.judge.violations };
  }

  #checkQuiet(): void {
    this.judge.checkQuiet();
    for (const { host } of this.servers) {
      if (host === undefined) continue;
      const rows = this.database.ownedBy({ host: host.name, incarnation: host.incarnation });
      for (const { resource } of rows) {
        const { kind } = host.resources.ownershipOf(resource);
        const isKnown = kind !== "unknown" && kind !== "elsewhere";
        if (!isKnown) this.judge.violate(`${host.name} owns ${resource} without using it`);
      }
    }
  }

  #callOnAndOn(): void {
    if (this.trueMs >= BUSY_MS + PEACE_MS * 0.7) return;
    const host = this.oneOf(this.servers)?.host;
    const resource = this.oneOf(this.#resources);
    if (host !== undefined && resource !== undefined) this.#call(host, resource);
    this.after(this.random() * 2 * CALL_EVERY_MS, () => this.#callOnAndOn());
  }

  #lastCall(host: SimulatedHost, resource: string, attempts = 3): void {
    this.#call(host, resource, (code) => {
      if (code === "ok") return;
      if (attempts > 1) this.#lastCall(host, resource, attempts - 1);
      else this.judge.violate(`${resource} cannot be called at ${host.name} in peace: ${code}`);
    });
  }

  #call(host: SimulatedHost, resource: string, onEnd: (code: string) => void = () => {}): void {
    const call: SimulatedCall = {
      id: ++this.#calls,
      resource,
      ms: 1 + this.random() * (this.chance(0.05) ? 3_000 : 60),
      timeoutMs: CALL_TIMEOUT_MS,
    };
    this.judge.onCall(call);
    this.#open.set(call, host);
    host.receive(() => {
      host.receiveCall(call, {
        mark: "first",
        leftMs: call.timeoutMs,
        onOutcome: (outcome) => {
          this.#open.delete(call);
          const code = outcome.kind === "ended" ? outcome.code : outcome.kind;
          this.judge.onEnd(call, code);
          onEnd(code);
        },
      });
    });
  }
}

/** Runs a world of hosts. The seed decides everything, so that a violation can be had again. */
export function simulateCluster(options: {
  readonly seed: number;
  readonly mutation?: Partial<ClusterRules>;
}): ClusterResult {
  return new ClusterWorld(options.seed, options.mutation).run();
}
