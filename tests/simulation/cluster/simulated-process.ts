import type { ClusterWorld } from "./cluster-world.ts";
import type { SimulatedMachine } from "./simulated-machine.ts";

/** Time of a message between processes of one machine. Equal times keep the order. */
const LOCAL_MS = 0.2;

/** A process that can be paused, as by SIGSTOP or by a blocked event loop, and killed. */
export class SimulatedProcess {
  readonly world: ClusterWorld;
  readonly machine: SimulatedMachine;
  isDead = false;
  #pausedUntil = 0;
  /** Postponed while it is paused. */
  readonly #timers: (() => void)[] = [];
  readonly #received: (() => void)[] = [];
  readonly #onExit: (() => void)[] = [];

  constructor(world: ClusterWorld, machine: SimulatedMachine) {
    this.world = world;
    this.machine = machine;
  }

  get isPaused(): boolean {
    return this.world.trueMs < this.#pausedUntil;
  }

  /** Calls back after a time of its machine's monotonic clock. */
  timer(ms: number, callback: () => void): void {
    this.machine.setTimeout(() => this.#run(callback, this.#timers), ms);
  }

  /** Something has arrived at one of its sockets. */
  receive(callback: () => void): void {
    this.#run(callback, this.#received);
  }

  /** Another process of the machine sends it something. */
  receiveLocally(callback: () => void): void {
    this.world.after(LOCAL_MS, () => this.machine.whenAwake(() => this.receive(callback)));
  }

  pause(ms: number): void {
    const until = this.world.trueMs + ms;
    if (until <= this.#pausedUntil) return;
    this.#pausedUntil = until;
    this.world.after(ms, () => this.#resume());
  }

  /** SIGKILL, or an exit of its own. */
  kill(): void {
    this.world.after(1, () => this.machine.whenAwake(() => this.die()));
  }

  die(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.onDeath();
    for (const callback of this.#onExit.splice(0)) callback();
  }

  /** Calls back at the moment of its death. */
  whenDead(callback: () => void): void {
    if (this.isDead) callback();
    else this.#onExit.push(callback);
  }

  protected onDeath(): void {}

  #run(callback: () => void, postponed: (() => void)[]): void {
    if (this.isDead) return;
    const isPostponed = this.isPaused || postponed.length > 0;
    if (isPostponed) postponed.push(callback);
    else callback();
  }

  /** Node may read sockets before it calls timers, or after. */
  #resume(): void {
    if (this.isPaused) return;
    if (this.machine.isAsleep) {
      this.machine.whenAwake(() => this.#resume());
      return;
    }
    const queues =
      this.world.random() < 0.7 ? [this.#received, this.#timers] : [this.#timers, this.#received];
    for (const queue of queues) {
      while (!this.isPaused && !this.isDead) {
        const next = queue[0];
        if (next === undefined) break;
        next();
        queue.shift();
      }
    }
  }
}
