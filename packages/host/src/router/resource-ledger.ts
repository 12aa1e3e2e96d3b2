import type { LeverError } from "@leveros/protocol";

/** Where a resource is in its life on an instance. */
export type ResourcePhase =
  /** Wanted, and owned by nobody. */
  | "unplaced"
  /** `newResource` runs there. */
  | "opening"
  /** Its calls go there. */
  | "open"
  /** No more calls go there; those in flight finish. */
  | "handingOver"
  /** `closeResource` runs there. */
  | "closing"
  /** The instance is ending by itself: when it is gone, so is its ownership. */
  | "ending";

/** What waits for a resource. */
export interface ResourceWaiter {
  readonly resource: string;
}

interface Entry<Instance, Waiter> {
  readonly resource: string;
  phase: ResourcePhase;
  owner: Instance | undefined;
  /** Of the ownership, or of the last one. */
  epoch: number;
  calls: number;
  streams: number;
  lastUsedAt: number;
  readonly waiting: Set<Waiter>;
}

/** What the ledger wants done. Answers come back as `opened`, `failed` and `closed`, with the epoch. */
export interface LedgerActions<Instance, Waiter> {
  /** An epoch higher than all before it, also those before a restart. @throws LeverError when there is none now. */
  nextEpoch(): number;
  /** Which instance gets a new resource; undefined = there is none with room. */
  choose(): Instance | undefined;
  open(resource: string, owner: Instance, epoch: number): void;
  close(resource: string, owner: Instance, epoch: number): void;
  /** The resource's calls that waited, oldest first, go to its owner now. */
  dispatch(waiting: readonly Waiter[], owner: Instance): void;
  refuse(waiting: readonly Waiter[], error: LeverError): void;
}

/**
 * Which instance owns which resource of a service. Does nothing by itself, and knows no time but what it is told.
 *
 * - O1. A resource has one owner at most: between `open` for one instance and `open` for the next lies `closed` of the
 *   first, or its `gone`.
 * - O2. Epochs of a resource increase with each ownership.
 * - O3. Calls of a resource go to its owner, and only while it is open there; the others wait.
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

  /** How many resources an instance owns, in whatever phase. */
  ownedBy(instance: Instance): number {
    return this.#owned.get(instance)?.size ?? 0;
  }

  has(resource: string): boolean {
    return this.#entries.has(resource);
  }

  /** Where a call of this resource goes now; undefined = it has to wait. */
  ownerOf(resource: string): Instance | undefined {
    const entry = this.#entries.get(resource);
    if (entry?.owner === undefined || entry.phase !== "open") return undefined;
    return this.#paused.has(entry.owner) ? undefined : entry.owner;
  }

  /** A call waits for the resource, which is placed as soon as that is possible. */
  wait(waiter: Waiter, now: number): void {
    const { resource } = waiter;
    let entry = this.#entries.get(resource);
    if (entry === undefined) {
      entry = {
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
    }
    entry.waiting.add(waiter);
    this.place();
  }

  /** False = it did not wait. */
  leave(waiter: Waiter): boolean {
    const entry = this.#entries.get(waiter.resource);
    if (entry === undefined || !entry.waiting.delete(waiter)) return false;
    if (entry.phase === "unplaced" && entry.waiting.size === 0) this.#forget(entry);
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

  /** A call is over. One of an earlier ownership is none of this one's business. */
  end(resource: string, epoch: number, call: { isStream: boolean; now: number }): void {
    const entry = this.#entries.get(resource);
    if (entry === undefined || entry.epoch !== epoch) return;
    if (call.isStream) entry.streams--;
    else entry.calls--;
    entry.lastUsedAt = call.now;
    this.#handOver(entry);
  }

  /** Places what waits for an owner. */
  place(): void {
    for (const entry of this.#unplaced) {
      const owner = this.#act.choose();
      if (owner === undefined) return;
      this.#unplaced.delete(entry);
      try {
        entry.epoch = this.#act.nextEpoch();
      } catch (error) {
        this.#forget(entry);
        this.#act.refuse([...entry.waiting], error as LeverError);
        continue;
      }
      entry.phase = "opening";
      entry.owner = owner;
      entry.calls = 0;
      entry.streams = 0;
      const owned = this.#owned.get(owner);
      if (owned === undefined) this.#owned.set(owner, new Set([entry]));
      else owned.add(entry);
      this.#act.open(entry.resource, owner, entry.epoch);
    }
  }

  /** `newResource` has succeeded. */
  opened(resource: string, epoch: number): void {
    const entry = this.#current(resource, epoch, "opening");
    if (entry?.owner === undefined) return;
    entry.phase = "open";
    if (this.#draining.has(entry.owner)) this.#handOver(entry);
    else this.#dispatch(entry);
  }

  /** `newResource` has failed. When it may still run, it is closed before anyone else gets the resource. */
  failed(
    resource: string,
    epoch: number,
    why: { error: LeverError; isOutcomeUnknown: boolean },
  ): void {
    const entry = this.#current(resource, epoch, "opening");
    if (entry === undefined) return;
    const waiting = [...entry.waiting];
    entry.waiting.clear();
    if (why.isOutcomeUnknown) this.#close(entry);
    else this.#release(entry);
    this.#act.refuse(waiting, why.error);
  }

  /** `closeResource` has come to its end. */
  closed(resource: string, epoch: number): void {
    const entry = this.#current(resource, epoch, "closing");
    if (entry !== undefined) this.#release(entry);
  }

  /** The instance gets no new resources, and hands those it has over: idle ones now, others when they are. */
  drain(instance: Instance): void {
    this.#draining.add(instance);
    for (const entry of [...(this.#owned.get(instance) ?? [])]) this.#handOver(entry);
  }

  /** The instance does not answer at the moment: calls of what it owns wait. */
  pause(instance: Instance): void {
    this.#paused.add(instance);
  }

  /** The instance answers again, or stays after all. */
  stay(instance: Instance): void {
    const wasDraining = this.#draining.delete(instance);
    if (!this.#paused.delete(instance) && !wasDraining) return;
    for (const entry of [...(this.#owned.get(instance) ?? [])]) {
      if (entry.phase === "handingOver") entry.phase = "open";
      if (entry.phase === "open") this.#dispatch(entry);
    }
  }

  /** The instance ends, and closes by itself what it owns: nothing more is sent to it. */
  stopping(instance: Instance): void {
    this.#draining.delete(instance);
    this.#paused.delete(instance);
    for (const entry of this.#owned.get(instance) ?? []) entry.phase = "ending";
  }

  /** The instance is dead: it owns nothing any more. */
  exited(instance: Instance): void {
    this.#draining.delete(instance);
    this.#paused.delete(instance);
    for (const entry of [...(this.#owned.get(instance) ?? [])]) this.#release(entry);
    this.#owned.delete(instance);
    this.place();
  }

  /** Closes what nobody has used for a while. */
  closeIdle(now: number, idleTimeoutMs: number): void {
    for (const entry of this.#entries.values()) {
      const { phase, calls, streams, lastUsedAt } = entry;
      const isIdle = phase === "open" && calls === 0 && streams === 0;
      if (isIdle && now - lastUsedAt >= idleTimeoutMs) this.#close(entry);
    }
  }

  /** No instance will come: everything that waits for one is refused. */
  refuseWaiting(error: LeverError): void {
    const refused: Waiter[] = [];
    for (const entry of [...this.#entries.values()]) {
      refused.push(...entry.waiting);
      entry.waiting.clear();
      if (entry.phase === "unplaced") this.#forget(entry);
    }
    this.#act.refuse(refused, error);
  }

  /**
   * On a draining instance, a resource without open streams takes no more calls, and is closed when the last one is
   * over. While there are streams, whoever joins them must come to the same place.
   */
  #handOver(entry: Entry<Instance, Waiter>): void {
    if (entry.owner === undefined || !this.#draining.has(entry.owner)) return;
    if (entry.phase === "open" && entry.streams === 0) entry.phase = "handingOver";
    if (entry.phase === "handingOver" && entry.calls === 0) this.#close(entry);
  }

  #dispatch(entry: Entry<Instance, Waiter>): void {
    if (entry.owner === undefined || this.#paused.has(entry.owner)) return;
    const waiting = [...entry.waiting];
    entry.waiting.clear();
    this.#act.dispatch(waiting, entry.owner);
  }

  #close(entry: Entry<Instance, Waiter>): void {
    if (entry.owner === undefined) return;
    entry.phase = "closing";
    this.#act.close(entry.resource, entry.owner, entry.epoch);
  }

  /** Nobody owns it any more: who waits gets it on another instance. */
  #release(entry: Entry<Instance, Waiter>): void {
    if (entry.owner !== undefined) this.#owned.get(entry.owner)?.delete(entry);
    entry.owner = undefined;
    entry.phase = "unplaced";
    if (entry.waiting.size === 0) {
      this.#forget(entry);
      return;
    }
    this.#unplaced.add(entry);
    this.place();
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
