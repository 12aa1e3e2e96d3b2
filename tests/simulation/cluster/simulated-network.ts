import type { ClusterWorld } from "./cluster-world.ts";

/** The network between hosts and the database: messages are late or lost, and any direction may be cut. */
export class SimulatedNetwork {
  readonly #world: ClusterWorld;
  /** True time until which a direction is cut. */
  readonly #cuts = new Map<string, number>();
  /** A part of all messages that are late, and one of those that are lost. */
  readonly #late: number;
  readonly #lost: number;

  constructor(world: ClusterWorld) {
    this.#world = world;
    this.#late = world.chance(0.3) ? 0.02 : 0;
    this.#lost = world.chance(0.2) ? 0.01 : 0;
  }

  cut(from: string, to: string, ms: number): void {
    const until = this.#world.trueMs + ms;
    const key = `${from} ${to}`;
    this.#cuts.set(key, Math.max(until, this.#cuts.get(key) ?? 0));
  }

  isOpen(from: string, to: string): boolean {
    return this.#world.trueMs >= (this.#cuts.get(`${from} ${to}`) ?? 0);
  }

  send(from: string, to: string, callback: () => void): void {
    const { random, isPeaceful } = this.#world;
    if (!isPeaceful && random() < this.#lost) return;
    if (!this.isOpen(from, to)) return;
    const isLate = !isPeaceful && random() < this.#late;
    const ms = isLate ? random() * 3_000 : 0.2 + random() * 3;
    this.#world.after(ms, () => {
      if (!this.isOpen(from, to)) return;
      const machine = this.#world.machineOf(to);
      if (machine === undefined) callback();
      else machine.deliver(callback);
    });
  }
}
