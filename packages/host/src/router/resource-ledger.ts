// One file, although long: each step of a resource depends on its phase.
import type { LeverError } from "@leveros/protocol";
import type { LedgerActions } from "./ledger-actions.ts";
import type { ResourcePhase } from "./resource-phase.ts";

/** A call that waits for a resource. */
export interface ResourceWaiter {
  readonly resource: string;
}

interface Entry<Instance, Waiter> {
  readonly resource: string;
  phase: ResourcePhase;
  owner: Instance | undefined;
  /** Epoch of the current ownership, or of the last one. */
  epoch: number;
  calls: number;
  streams: number;
  lastUsedAt: number;
  readonly waiting: Set<Waiter>;
}

/** The owner and the calls of a resource. */
export type ResourceOwnership<Instance, Waiter> = Readonly<Entry<Instance, Waiter>>;

/** Phases in which the host does not have the resource for certain. */
const WITHOUT_HOST: ReadonlySet<ResourcePhase> = new Set(["claiming", "releasing", "elsewhere"]);

/**
 * Decides which instance owns which resource of a service. It has no timers and no I/O: time comes in as an argument.
 *
 * - O1. A resource has at most one owner. Between `open` for one instance and `open` for the next, the first was `closed`
 *   or has `exited`.
 * - O2. The epochs of a resource increase with each ownership.
 * - O3. Calls of a resource go to its owner, and only while it is open there. Other calls wait.
 */
export class ResourceLedger<Instance extends object, Waiter extends ResourceWaiter> {
  readonly #act: LedgerActions<Instance, Waiter>;
  readonly #entries = new Map<string, Entry<Instance, Waiter>>();
  readonly #unplaced = new Set<Entry<Instance, Waiter>>();
  readonly #owned = new Map<Instance, Set<Entry<Instance, Waiter>>>();
  readonly #draining = new Set<Instance>();
  readonly #paused = new Set<Instance>();

  constructor(actions: LedgerActions<Instance, Waiter>) {
    this.#act = actions;
  }

  get size(): number {
    return this.#entries.size;
  }

  get waiting(): Waiter[] {
    return [...this.#entries.values()].flatMap(({ waiting }) => [...waiting]);
  }

  /** Number of resources that an instance owns, in any phase. */
  ownedBy(instance: Instance): number {
    return this.#owned.get(instance)?.size ?? 0;
  }

  /** Instances that own resources, in any phase. */
  get owners(): Instance[] {
    return [...this.#owned].filter(([, entries]) => entries.size > 0).map(([owner]) => owner);
  }

  /** True while it keeps anything about the instance. */
  remembers(instance: Instance): boolean {
    return [this.#owned, this.#draining, this.#paused].some((of) => of.has(instance));
  }

  has(resource: string): boolean {
    return this.#entries.has(resource);
  }

  /** The instance that gets a call of this resource now; undefined = the call must wait. */
  ownerOf(resource: string): Instance | undefined {
    const entry = this.#entries.get(resource);
    if (entry?.owner === undefined || entry.phase !== "open") return undefined;
    return this.#paused.has(entry.owner) ? undefined : entry.owner;
  }

  /** The ownership of a resource, or the last one if it has no owner now. */
  ownership(resource: string): ResourceOwnership<Instance, Waiter> | undefined {
    return this.#entries.get(resource);
  }

  /** The ownership of every resource, in no order. */
  get ownerships(): Iterable<ResourceOwnership<Instance, Waiter>> {
    return this.#entries.values();
  }

  /** A call waits for the resource. The ledger places the resource as soon as an instance can take it. */
  wait(waiter: Waiter, now: number): void {
    const entry = this.#entries.get(waiter.resource) ?? this.#add(waiter.resource, now);
    entry.waiting.add(waiter);
    this.place();
  }

  /** False = it did not wait. */
  leave(waiter: Waiter): boolean {
    const entry = this.#entries.get(waiter.resource);
    if (entry === undefined || !entry.waiting.delete(waiter)) return false;
    if (entry.waiting.size > 0) return true;
    if (entry.phase === "unplaced" || entry.phase === "elsewhere") this.#forget(entry);
    else if (entry.phase === "claimed") this.#release(entry);
    return true;
  }

  /** A call of the resource goes to its owner. Returns the epoch, for `end`. */
  begin(resource: string, isStream: boolean): number {
    const entry = this.#entries.get(resource);
    if (entry === undefined) return 0;
    if (isStream) entry.streams++;
    else entry.calls++;
    return entry.epoch;
  }

  /** A call is over. A call of an earlier ownership changes nothing. */
  end(resource: string, epoch: number, call: { isStream: boolean; now: number }): void {
    const entry = this.#entries.get(resource);
    if (entry === undefined || entry.epoch !== epoch) return;
    if (call.isStream) entry.streams--;
    else entry.calls--;
    entry.lastUsedAt = call.now;
    this.#handOver(entry);
  }

  /** Gives resources without an owner to instances. */
  place(): void {
    for (const entry of this.#unplaced) {
      const owner = this.#act.choose();
      if (owner === undefined) return;
      this.#unplaced.delete(entry);
      if (entry.phase === "claimed" || this.#claim(entry)) this.#open(entry, owner);
    }
  }

  /** The host has claimed the resource. */
  claimed(resource: string, epoch: number): void {
    const entry = this.#entries.get(resource);
    if (entry?.phase !== "claiming") return;
    entry.phase = "claimed";
    entry.epoch = epoch;
    if (entry.waiting.size === 0) this.#release(entry);
    else this.#placeSoon(entry);
  }

  /**
   * The host does not have the resource: its claim was refused, it has given it back, or another host owned it. Returns the
   * calls that wait for it.
   */
  notOwned(resource: string): Waiter[] {
    const entry = this.#entries.get(resource);
    if (entry === undefined || !WITHOUT_HOST.has(entry.phase)) return [];
    this.#forget(entry);
    return takeWaiting(entry);
  }

  /** A call waits for a resource that another host owns, until `notOwned`. */
  park(waiter: Waiter, now: number): void {
    const entry = this.#entries.get(waiter.resource) ?? this.#add(waiter.resource, now);
    if (entry.phase === "unplaced") {
      entry.phase = "elsewhere";
      this.#unplaced.delete(entry);
    }
    entry.waiting.add(waiter);
  }

  /** The resources that other hosts own, and calls wait for. */
  get parked(): string[] {
    const parked = [...this.#entries.values()].filter(({ phase }) => phase === "elsewhere");
    return parked.map(({ resource }) => resource);
  }

  /**
   * The host claims no more resources: those that no instance has yet are given back. Returns the calls of those that were
   * not claimed.
   */
  giveUp(): Waiter[] {
    const waiting: Waiter[] = [];
    for (const entry of [...this.#unplaced]) {
      if (entry.phase === "claimed") this.#release(entry);
      else {
        this.#forget(entry);
        waiting.push(...takeWaiting(entry));
      }
    }
    return waiting;
  }

  /** The host has lost what it had claimed: its lease is over. Resources with an owner are lost when that exits. */
  hostLost(): void {
    for (const entry of this.#unplaced) {
      if (entry.phase === "claimed") this.#release(entry);
    }
  }

  isOpening(resource: string, epoch: number): boolean {
    return this.#current(resource, epoch, "opening") !== undefined;
  }

  /** `newResource` has succeeded. */
  opened(resource: string, epoch: number): void {
    const entry = this.#current(resource, epoch, "opening");
    if (entry?.owner === undefined) return;
    entry.phase = "open";
    if (this.#draining.has(entry.owner)) this.#handOver(entry);
    else this.#dispatch(entry);
  }

  /** `newResource` has failed. If it may still run, `closeResource` must end before the resource gets another owner. */
  failed(
    resource: string,
    epoch: number,
    why: { error: LeverError; isOutcomeUnknown: boolean },
  ): void {
    const entry = this.#current(resource, epoch, "opening");
    if (entry === undefined) return;
    const waiting = takeWaiting(entry);
    if (why.isOutcomeUnknown) this.#close(entry);
    else this.#release(entry);
    this.#act.refuse(waiting, why.error);
  }

  /** `closeResource` has ended. */
  closed(resource: string, epoch: number): void {
    const entry = this.#current(resource, epoch, "closing");
    if (entry !== undefined) this.#release(entry);
  }

  /** The instance gets no new resources. Its idle resources close now, the others when they become idle. */
  drain(instance: Instance): void {
    this.#draining.add(instance);
    for (const entry of [...(this.#owned.get(instance) ?? [])]) this.#handOver(entry);
  }

  /** The instance is unresponsive: calls of its resources wait. */
  pause(instance: Instance): void {
    this.#paused.add(instance);
  }

  /** The instance answers again: its resources get the calls that wait for them. */
  recover(instance: Instance): void {
    this.#paused.delete(instance);
    for (const entry of [...(this.#owned.get(instance) ?? [])]) {
      if (entry.phase === "open") this.#dispatch(entry);
    }
  }

  /** The instance gets resources again: it has recovered, or stops draining. */
  stay(instance: Instance): void {
    this.#draining.delete(instance);
    for (const entry of this.#owned.get(instance) ?? []) {
      if (entry.phase === "handingOver") entry.phase = "open";
    }
    this.recover(instance);
  }

  /** The instance is exiting and closes its resources itself: nothing more is sent to it. */
  stopping(instance: Instance): void {
    this.#draining.delete(instance);
    this.#paused.delete(instance);
    for (const entry of this.#owned.get(instance) ?? []) {
      entry.phase = entry.phase === "opening" ? "openerExiting" : "ownerExiting";
    }
  }

  /**
   * The process of the instance has exited, so it owns nothing. When it failed by itself, calls for which it ran
   * `newResource` fail with it: on another instance, the hook could do the same again.
   */
  exited(instance: Instance, failure?: LeverError): void {
    this.#draining.delete(instance);
    this.#paused.delete(instance);
    for (const entry of [...(this.#owned.get(instance) ?? [])]) {
      const refused = entry.phase === "openerExiting" && failure !== undefined;
      if (refused) this.#act.refuse(takeWaiting(entry), failure);
      this.#release(entry);
    }
    this.#owned.delete(instance);
    this.place();
  }

  /** Closes resources that have had no call for `idleTimeoutMs`. */
  closeIdle(now: number, idleTimeoutMs: number): void {
    for (const entry of this.#entries.values()) {
      const { phase, calls, streams, lastUsedAt } = entry;
      const isIdle = phase === "open" && calls === 0 && streams === 0;
      if (isIdle && now - lastUsedAt >= idleTimeoutMs) this.#close(entry);
    }
  }

  /** Refuses waiting calls, by default every one, because no instance will start for them. */
  refuseWaiting(error: LeverError, isRefused = (_: Waiter): boolean => true): void {
    const refused = this.waiting.filter(isRefused);
    for (const waiter of refused) this.leave(waiter);
    this.#act.refuse(refused, error);
  }

  /**
   * On a draining instance, a resource without open streams takes no more calls, and closes after its last call. While
   * streams are open, new calls must reach the same owner.
   */
  #handOver(entry: Entry<Instance, Waiter>): void {
    if (entry.owner === undefined || !this.#draining.has(entry.owner)) return;
    if (entry.phase === "open" && entry.streams === 0) entry.phase = "handingOver";
    if (entry.phase === "handingOver" && entry.calls === 0) this.#close(entry);
  }

  #dispatch(entry: Entry<Instance, Waiter>): void {
    if (entry.owner === undefined || this.#paused.has(entry.owner)) return;
    this.#act.dispatch(takeWaiting(entry), entry.owner);
  }

  #close(entry: Entry<Instance, Waiter>): void {
    if (entry.owner === undefined) return;
    entry.phase = "closing";
    this.#act.close(entry.resource, entry.owner, entry.epoch);
  }

  /** Ends the ownership. Waiting calls get the resource on another instance. */
  #release(entry: Entry<Instance, Waiter>): void {
    const { owner } = entry;
    if (owner !== undefined) this.#owned.get(owner)?.delete(entry);
    entry.owner = undefined;
    entry.phase = "releasing";
    this.#unplaced.delete(entry);
    if (!this.#act.release(entry.resource, entry.epoch, owner)) return;
    if (entry.waiting.size === 0) {
      this.#forget(entry);
      return;
    }
    entry.phase = "unplaced";
    this.#placeSoon(entry);
  }

  #placeSoon(entry: Entry<Instance, Waiter>): void {
    this.#unplaced.add(entry);
    this.place();
  }

  #add(resource: string, now: number): Entry<Instance, Waiter> {
    const entry: Entry<Instance, Waiter> = {
      resource,
      phase: "unplaced",
      owner: undefined,
      epoch: 0,
      calls: 0,
      streams: 0,
      lastUsedAt: now,
      waiting: new Set(),
    };
    this.#entries.set(resource, entry);
    this.#unplaced.add(entry);
    return entry;
  }

  /** False = the answer comes later, or the waiting calls have been refused. */
  #claim(entry: Entry<Instance, Waiter>): boolean {
    entry.phase = "claiming";
    try {
      const epoch = this.#act.claim(entry.resource);
      if (epoch === undefined) return false;
      entry.epoch = epoch;
      return true;
    } catch (error) {
      this.#forget(entry);
      this.#act.refuse([...entry.waiting], error as LeverError);
      return false;
    }
  }

  #open(entry: Entry<Instance, Waiter>, owner: Instance): void {
    entry.phase = "opening";
    entry.owner = owner;
    entry.calls = 0;
    entry.streams = 0;
    const owned = this.#owned.get(owner);
    if (owned === undefined) this.#owned.set(owner, new Set([entry]));
    else owned.add(entry);
    const [cause] = entry.waiting;
    this.#act.open(entry.resource, owner, entry.epoch, cause);
  }

  #forget(entry: Entry<Instance, Waiter>): void {
    this.#entries.delete(entry.resource);
    this.#unplaced.delete(entry);
  }

  #current(
    resource: string,
    epoch: number,
    phase: ResourcePhase,
  ): Entry<Instance, Waiter> | undefined {
    const entry = this.#entries.get(resource);
    return entry?.epoch === epoch && entry.phase === phase ? entry : undefined;
  }
}

function takeWaiting<Waiter>(entry: { readonly waiting: Set<Waiter> }): Waiter[] {
  const waiting = [...entry.waiting];
  entry.waiting.clear();
  return waiting;
}
