import { LeverError } from "@leveros/protocol";

interface Waiting {
  readonly environment: string;
  readonly start: () => void;
}

/**
 * Bounds the deploys of a host, and how many of them run at once. Environments share both:
 *
 * - An environment may have as many deploys as places are left, so that another environment always finds one.
 * - A free slot goes to the environment with the fewest running deploys, there to the deploy that waits longest.
 */
export class DeploySlots {
  readonly #runningMax: number;
  readonly #deploysMax: number;
  /** Deploys by environment, from their first byte on. */
  readonly #deploys = new Map<string, number>();
  readonly #running = new Map<string, number>();
  readonly #waiting: Waiting[] = [];

  constructor({ runningMax, deploysMax }: { runningMax: number; deploysMax: number }) {
    this.#runningMax = runningMax;
    this.#deploysMax = deploysMax;
  }

  /** Admits a deploy, which may receive its archive at once. @throws LeverError `overloaded` */
  async admit<Result>(environment: string, deploy: () => Promise<Result>): Promise<Result> {
    const own = this.#deploys.get(environment) ?? 0;
    if (own >= this.#deploysMax - sumOf(this.#deploys)) {
      throw new LeverError(
        "overloaded",
        `Cannot deploy: ${own} deploys to ${environment} are under way already.`,
        { retryAfterSeconds: 5 },
      );
    }
    return await counted(this.#deploys, environment, deploy);
  }

  /**
   * Runs a part of an admitted deploy when there is a slot for it. `onWaiting` is called when it must wait, with the
   * deploys that run and those that wait already.
   */
  async run<Result>(
    environment: string,
    work: () => Promise<Result>,
    onWaiting: (others: { running: number; waiting: number }) => void = () => {},
  ): Promise<Result> {
    const running = sumOf(this.#running);
    if (running >= this.#runningMax) {
      onWaiting({ running, waiting: this.#waiting.length });
      await new Promise<void>((start) => this.#waiting.push({ environment, start }));
    } else {
      add(this.#running, environment, 1);
    }
    try {
      return await work();
    } finally {
      this.#release(environment);
    }
  }

  /** The slot passes on at once: it is never free in between, so no other deploy can take it. */
  #release(environment: string): void {
    add(this.#running, environment, -1);
    const runningOf = (waiting: Waiting): number => this.#running.get(waiting.environment) ?? 0;
    const fewest = Math.min(...this.#waiting.map(runningOf));
    const index = this.#waiting.findIndex((waiting) => runningOf(waiting) === fewest);
    const [next] = index === -1 ? [] : this.#waiting.splice(index, 1);
    if (next === undefined) return;
    add(this.#running, next.environment, 1);
    next.start();
  }
}

async function counted<Result>(
  counts: Map<string, number>,
  environment: string,
  work: () => Promise<Result>,
): Promise<Result> {
  add(counts, environment, 1);
  try {
    return await work();
  } finally {
    add(counts, environment, -1);
  }
}

function add(counts: Map<string, number>, environment: string, change: 1 | -1): void {
  const count = (counts.get(environment) ?? 0) + change;
  if (count === 0) counts.delete(environment);
  else counts.set(environment, count);
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
