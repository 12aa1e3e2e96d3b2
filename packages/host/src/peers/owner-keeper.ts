import { type Clock, delay } from "../clock.ts";
import { Keeper } from "../keeper/keeper.ts";
import type { Log } from "../logs/log.ts";
import type { InstanceTarget } from "../router/instance-target.ts";
import type { ServiceName } from "./owner-hints.ts";

/** A keeper that died is replaced after this time. */
const RESTART_MS = 100;

export interface OwnerKeeperOptions {
  /** The leader of the instance's process group; undefined = it has exited. */
  pidOf(service: ServiceName, owner: InstanceTarget): number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Keeps a keeper running, and gives it the instances that own resources. */
export class OwnerKeeper {
  readonly #options: OwnerKeeperOptions;
  readonly #owners = new Map<InstanceTarget, number>();
  #keeper: Keeper;
  #endsAtMs: number | undefined;
  #isClosing = false;

  constructor(options: OwnerKeeperOptions) {
    this.#options = options;
    this.#keeper = new Keeper();
    void this.#watch();
  }

  /** Sets the boot time at which owners must end. */
  setEnd(ownersEndAtMs: number): void {
    this.#endsAtMs = ownersEndAtMs;
    this.#keeper.setEnd(ownersEndAtMs);
  }

  /** The instance may own resources when this resolves. undefined = it may now. @throws LeverError `unavailable` */
  add(service: ServiceName, owner: InstanceTarget): Promise<void> | undefined {
    if (this.#owners.has(owner)) return undefined;
    const pid = this.#options.pidOf(service, owner);
    // It has exited: nothing can run there.
    if (pid === undefined) return undefined;
    return this.#keeper.add(pid).then(() => void this.#owners.set(owner, pid));
  }

  /** The instance owns nothing any more. */
  remove(owner: InstanceTarget): void {
    const pid = this.#owners.get(owner);
    this.#owners.delete(owner);
    if (pid !== undefined) this.#keeper.remove(pid);
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
      for (const pid of this.#owners.values()) this.#keeper.add(pid).catch(() => {});
    }
  }
}
