import { type Clock, delay } from "../clock.ts";
import { Keeper } from "../keeper/keeper.ts";
import type { Log } from "../logs/log.ts";
import type { InstanceTarget } from "../router/instance-target.ts";
import type { ServiceName } from "./owner-hints.ts";

/** A keeper that died is replaced after this time. */
const RESTART_MS = 100;

/** An instance that may own resources. */
export interface OwningInstance {
  /** The leader of its process group. */
  readonly pid: number;
  /** Sets the boot time at which it ends itself. undefined = it owns nothing any more. */
  setOwnersEnd(atMs: number | undefined): void;
}

export interface OwnerKeeperOptions {
  /** undefined = it has exited. */
  instanceOf(service: ServiceName, owner: InstanceTarget): OwningInstance | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Keeps a keeper running, and gives it the instances that own resources. It and they get the end of each renewed lease. */
export class OwnerKeeper {
  readonly #options: OwnerKeeperOptions;
  readonly #owners = new Map<InstanceTarget, OwningInstance>();
  #keeper: Keeper;
  #endsAtMs: number | undefined;
  #isClosing = false;

  constructor(options: OwnerKeeperOptions) {
    this.#options = options;
    this.#keeper = new Keeper();
    void this.#watch();
  }

  /** 0 = the system could not start it. */
  get pid(): number {
    return this.#keeper.pid;
  }

  /** Sets the boot time at which owners must end. */
  setEnd(ownersEndAtMs: number): void {
    this.#endsAtMs = ownersEndAtMs;
    this.#keeper.setEnd(ownersEndAtMs);
    for (const instance of this.#owners.values()) instance.setOwnersEnd(ownersEndAtMs);
  }

  /** The instance may own resources when this resolves. undefined = it may now. @throws LeverError `unavailable` */
  add(service: ServiceName, owner: InstanceTarget): Promise<void> | undefined {
    if (this.#owners.has(owner)) return undefined;
    const instance = this.#options.instanceOf(service, owner);
    // It has exited: nothing can run there.
    if (instance === undefined) return undefined;
    return this.#keeper.add(instance.pid).then(() => {
      this.#owners.set(owner, instance);
      // Before the call of `newResource`, on the same link.
      instance.setOwnersEnd(this.#endsAtMs);
    });
  }

  /** The instance owns nothing any more. */
  remove(owner: InstanceTarget): void {
    const instance = this.#owners.get(owner);
    if (instance === undefined) return;
    this.#owners.delete(owner);
    this.#keeper.remove(instance.pid);
    instance.setOwnersEnd(undefined);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#keeper.close();
  }

  /** Q2. Without a keeper, the host alone ends its owners. */
  async #watch(): Promise<void> {
    for (;;) {
      await this.#keeper.exited;
      if (this.#isClosing) return;
      this.#options.log("warn", "peers", "keeper exited", { pid: this.#keeper.pid });
      await delay(this.#options.clock, RESTART_MS);
      if (this.#isClosing) return;
      this.#keeper = new Keeper();
      if (this.#endsAtMs !== undefined) this.#keeper.setEnd(this.#endsAtMs);
      // It may die as well, which starts the next one.
      for (const { pid } of this.#owners.values()) this.#keeper.add(pid).catch(() => {});
    }
  }
}
