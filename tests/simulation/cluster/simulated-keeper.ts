import { decideKeeper } from "@leveros/host/parts";
import type { SimulatedInstance } from "./simulated-instance.ts";
import { SimulatedProcess } from "./simulated-process.ts";

/** The keeper's loop around its decision. */
export class SimulatedKeeper extends SimulatedProcess {
  readonly #owners = new Set<SimulatedInstance>();
  #ownersEndAtMs: number | undefined;
  #isHostDead = false;
  /** Only the last timer counts. */
  #round = 0;

  setEnd(ownersEndAtMs: number): void {
    this.#ownersEndAtMs = ownersEndAtMs;
    this.#decide();
  }

  add(owner: SimulatedInstance, onAdded: () => void): void {
    this.#owners.add(owner);
    onAdded();
    this.#decide();
  }

  remove(owner: SimulatedInstance): void {
    this.#owners.delete(owner);
  }

  /** Its host's end of the pipe is closed. */
  hostDied(): void {
    this.#isHostDead = true;
    this.#decide();
  }

  #decide(): void {
    const round = ++this.#round;
    for (const owner of this.#owners) if (owner.isDead) this.#owners.delete(owner);
    const step = decideKeeper(
      { ownersEndAtMs: this.#ownersEndAtMs, owners: this.#owners, isHostDead: this.#isHostDead },
      this.machine.moment().bootMs,
    );
    switch (step.kind) {
      case "exit":
        this.die();
        return;
      case "kill":
        for (const owner of step.owners) {
          this.world.judge.onKept(owner);
          owner.kill();
        }
        this.#again(round, this.world.keeperCheckMs);
        return;
      case "wait":
        if (step.ms !== undefined) this.#again(round, step.ms);
    }
  }

  #again(round: number, ms: number): void {
    this.timer(ms, () => {
      if (round === this.#round) this.#decide();
    });
  }
}
