import { SimulatedProcess } from "./simulated-process.ts";

/** After the end, it reads the renewals that have arrived while it was blocked: at most twice as long as it means to. */
const NEWS_MS = 400;

export type InstanceFunction = "newResource" | "method" | "closeResource";

/** A call of a function of the service for a resource. */
export interface InstanceCall {
  readonly name: InstanceFunction;
  readonly resource: string;
  readonly epoch: number;
  /** It takes this long. */
  readonly ms: number;
  /** True = the function has run, and its answer was written while the instance might own resources. */
  readonly answer: (isAnswered: boolean) => void;
}

/** A runtime with a service in it. It checks each call of a resource against the end that the host has given it. */
export class SimulatedInstance extends SimulatedProcess {
  /** Its host has given it a resource at some time. */
  isOwner = false;
  /** The resources that it has, with their epochs. */
  readonly held = new Map<string, number>();
  /** Boot time at which it must not own resources any more. */
  #endsAtMs = Number.NEGATIVE_INFINITY;

  /** The host's latest lease, with a ping. */
  setEnd(endsAtMs: number): void {
    this.#endsAtMs = endsAtMs;
    if (!this.world.rules.hasTimer) return;
    this.timer(endsAtMs - this.machine.moment().bootMs + NEWS_MS, () => {
      if (this.held.size > 0 && !this.#mayAct) this.die();
    });
  }

  call({ name, resource, epoch, ms, answer }: InstanceCall): void {
    const { judge } = this.world;
    if (!this.#mayAct) {
      answer(false);
      return;
    }
    if (name === "newResource") {
      this.held.set(resource, epoch);
      judge.onTakes(this, resource);
    }
    judge.onActs(this, resource, epoch);
    this.timer(ms, () => {
      // Without a right to act, no answer is written.
      const isAnswered = this.#mayAct;
      if (isAnswered) judge.onActs(this, resource, epoch);
      if (name === "closeResource") this.#give(resource);
      answer(isAnswered);
    });
  }

  protected override onDeath(): void {
    for (const resource of [...this.held.keys()]) this.#give(resource);
  }

  get #mayAct(): boolean {
    return this.machine.moment().bootMs < this.#endsAtMs;
  }

  #give(resource: string): void {
    if (this.held.delete(resource)) this.world.judge.onGives(this, resource);
  }
}
