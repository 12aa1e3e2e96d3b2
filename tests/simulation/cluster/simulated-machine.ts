import type { Moment } from "@leveros/host/parts";
import type { ClusterWorld } from "./cluster-world.ts";

/** Clocks run at most this much fast or slow, of the 1 % for which the promises hold. */
const CLOCK_ERROR_MAX = 0.005;

/** Packets for a machine that slept are sent again within this time after it wakes up. */
const RESENT_WITHIN_MS = 2_000;

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** A machine with clocks of its own, which may sleep: its processes and timers stand still, and its boot time goes on. */
export class SimulatedMachine {
  readonly name: string;
  readonly #world: ClusterWorld;
  readonly #rate: number;
  readonly #bootOffsetMs: number;
  #sleptMs = 0;
  #sleepsSince: number | undefined;
  /** True time at which it last woke up. */
  awakeSince = Number.NEGATIVE_INFINITY;
  readonly #onWake: (() => void)[] = [];

  constructor(world: ClusterWorld, name: string) {
    this.name = name;
    this.#world = world;
    this.#rate = 1 + (world.random() * 2 - 1) * CLOCK_ERROR_MAX;
    this.#bootOffsetMs = world.random() * 1e9;
  }

  get isAsleep(): boolean {
    return this.#sleepsSince !== undefined;
  }

  moment(): Moment {
    const { trueMs } = this.#world;
    const sleptMs = this.#sleptMs + trueMs - (this.#sleepsSince ?? trueMs);
    return {
      bootMs: this.#bootOffsetMs + trueMs * this.#rate,
      monotonicMs: (trueMs - sleptMs) * this.#rate,
    };
  }

  /** Calls back after a time of the monotonic clock. */
  setTimeout(callback: () => void, ms: number): void {
    this.#arm({ due: this.moment().monotonicMs + Math.max(0, ms), callback });
  }

  sleep(ms: number): void {
    if (this.isAsleep) return;
    const since = this.#world.trueMs;
    this.#sleepsSince = since;
    this.#world.after(ms, () => {
      this.#sleepsSince = undefined;
      this.#sleptMs += ms;
      this.awakeSince = this.#world.trueMs;
      for (const wake of this.#onWake.splice(0)) this.whenAwake(wake);
    });
  }

  /** Calls back at once, or when the machine wakes up. */
  whenAwake(callback: () => void): void {
    if (this.isAsleep) this.#onWake.push(callback);
    else callback();
  }

  /** Something arrives over the network. */
  deliver(callback: () => void): void {
    if (!this.isAsleep) callback();
    else {
      this.#onWake.push(() => this.#world.after(this.#world.random() * RESENT_WITHIN_MS, callback));
    }
  }

  #arm(timer: Timer): void {
    const leftMs = timer.due - this.moment().monotonicMs;
    if (this.isAsleep) this.#onWake.push(() => this.#arm(timer));
    else if (leftMs <= 1e-6) timer.callback();
    else this.#world.after(leftMs / this.#rate, () => this.#arm(timer));
  }
}
