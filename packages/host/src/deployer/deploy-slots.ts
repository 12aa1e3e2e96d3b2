import { LeverError } from "@leveros/protocol";

/** Bounds how many deploys run at once. Further ones wait without being read, in the order in which they came. */
export class DeploySlots {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor({ runningMax, waitingMax }: { runningMax: number; waitingMax: number }) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** Runs a deploy when there is a slot for it. @throws LeverError `overloaded` when too many wait. */
  async run<Result>(deploy: () => Promise<Result>): Promise<Result> {
    await this.#acquire();
    try {
      return await deploy();
    } finally {
      this.#release();
    }
  }

  async #acquire(): Promise<void> {
    if (this.#running < this.#runningMax) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= this.#waitingMax) {
      throw new LeverError(
        "overloaded",
        `Cannot deploy: ${this.#waitingMax} deploys wait already.`,
        {
          retryAfterSeconds: 5,
        },
      );
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** A slot passes to the deploy that waits longest: it is never free in between, so no other deploy can take it. */
  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}
