import type { ClusterWorld } from "./cluster-world.ts";
import type { SimulatedCall } from "./simulated-call.ts";
import type { SimulatedInstance } from "./simulated-instance.ts";

/** The codes with which a call of a resource may end. `unreachable`: the host where it came in has died. */
const CODES = new Set(["ok", "unavailable", "instance_failed", "deadline_exceeded", "unreachable"]);

/** A machine that wakes up checks the boot time within it, and a kill takes effect. */
const AWAKE_CHECK_MS = 50;

/** Judges by true time, which no machine knows. */
export class ClusterJudge {
  readonly violations: string[] = [];
  readonly counts = { calls: 0, answered: 0, ownerships: 0, moves: 0, fenced: 0, kept: 0 };
  readonly #world: ClusterWorld;
  /** The instances that have a resource: between the begin of newResource, and the end of closeResource or of the process. */
  readonly #holders = new Map<string, Set<SimulatedInstance>>();
  /** The epoch and the host that last acted. */
  readonly #last = new Map<string, { readonly epoch: number; readonly host: string }>();
  readonly #open = new Set<SimulatedCall>();

  constructor(world: ClusterWorld) {
    this.#world = world;
  }

  violate(what: string): void {
    const at = this.#world.trueMs.toFixed(1);
    if (this.violations.length < 20) this.violations.push(`at ${at} ms: ${what}`);
  }

  onCall(call: SimulatedCall): void {
    this.counts.calls++;
    this.#open.add(call);
  }

  onEnd(call: SimulatedCall, code: string): void {
    if (!this.#open.delete(call)) this.violate(`a call ends twice, the second time with ${code}`);
    if (!CODES.has(code)) this.violate(`a call ends with ${code}`);
    if (code === "ok") this.counts.answered++;
  }

  /** newResource begins. */
  onTakes(instance: SimulatedInstance, resource: string): void {
    this.counts.ownerships++;
    const holders = this.#holders.get(resource) ?? new Set();
    this.#holders.set(resource, holders);
    holders.add(instance);
    this.#checkHolders(resource);
  }

  onGives(instance: SimulatedInstance, resource: string): void {
    this.#holders.get(resource)?.delete(instance);
  }

  /** A function for the resource begins, or writes its answer. */
  onActs(instance: SimulatedInstance, resource: string, epoch: number): void {
    const last = this.#last.get(resource);
    const host = instance.machine.name;
    if (last !== undefined && epoch < last.epoch) {
      this.violate(`${resource} is used with epoch ${epoch} after epoch ${last.epoch}`);
    }
    if (last !== undefined && epoch === last.epoch && host !== last.host) {
      this.violate(`${resource} is used by two hosts with epoch ${epoch}`);
    }
    if (last !== undefined && host !== last.host) this.counts.moves++;
    this.#last.set(resource, { epoch, host });
  }

  onFenced(): void {
    this.counts.fenced++;
  }

  /** The keeper kills an instance. */
  onKept(instance: SimulatedInstance): void {
    this.counts.kept++;
    if (!instance.isOwner) this.violate("a keeper kills an instance without resources");
  }

  /** A machine that slept may have instances whose resources have moved: they may not act any more. */
  onAwake(): void {
    this.#world.after(this.#world.keeperCheckMs + AWAKE_CHECK_MS + 1, () => {
      for (const resource of this.#holders.keys()) this.#checkHolders(resource);
    });
  }

  /** Nothing has happened for a while. */
  checkQuiet(): void {
    for (const call of this.#open) this.violate(`the call ${call.id} has no end`);
  }

  holdersOf(resource: string): readonly SimulatedInstance[] {
    return [...(this.#holders.get(resource) ?? [])];
  }

  /** At most one instance can act for a resource: others are dead, or their machines sleep or have just woken up. */
  #checkHolders(resource: string): void {
    const excusedMs = this.#world.keeperCheckMs + AWAKE_CHECK_MS;
    const acting = this.holdersOf(resource).filter(({ machine }) => {
      return !machine.isAsleep && this.#world.trueMs - machine.awakeSince >= excusedMs;
    });
    if (acting.length < 2) return;
    const names = acting.map(({ machine }) => machine.name).join(" and ");
    this.violate(`${acting.length} instances act for ${resource}, on ${names}`);
  }
}
