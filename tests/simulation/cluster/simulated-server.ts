import type { ClusterWorld } from "./cluster-world.ts";
import { SimulatedHost } from "./simulated-host.ts";
import type { SimulatedInstance } from "./simulated-instance.ts";
import type { SimulatedKeeper } from "./simulated-keeper.ts";
import { SimulatedMachine } from "./simulated-machine.ts";

/** A machine with its supervisor, which starts the host again, and what survives on its disk. */
export class SimulatedServer {
  readonly machine: SimulatedMachine;
  /** Written to disk before it is announced. */
  incarnation = 0;
  readonly instances = new Set<SimulatedInstance>();
  keeper: SimulatedKeeper | undefined;
  host: SimulatedHost | undefined;
  readonly #world: ClusterWorld;

  constructor(world: ClusterWorld, name: string) {
    this.#world = world;
    this.machine = new SimulatedMachine(world, name);
  }

  start(): void {
    const host = new SimulatedHost(this.#world, this);
    this.host = host;
    host.start();
  }

  /** kill -9. */
  killHost(restartAfterMs: number): void {
    const { host } = this;
    if (host === undefined) return;
    host.die();
    this.host = undefined;
    this.#world.onHostDead(host);
    this.#world.after(restartAfterMs, () => this.machine.whenAwake(() => this.start()));
  }

  /** The power is off for this time. */
  turnOff(ms: number): void {
    if (this.host === undefined || this.machine.isAsleep) return;
    const { keeper } = this;
    this.killHost(ms);
    keeper?.die();
    for (const instance of [...this.instances]) instance.die();
  }
}
