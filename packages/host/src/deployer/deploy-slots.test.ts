import { describe, expect, it } from "vitest";
import { DeploySlots } from "./deploy-slots.ts";

/** Deploys that run until the test ends them. */
class Deploys {
  readonly running = new Set<string>();
  readonly started: string[] = [];
  most = 0;
  readonly #slots: DeploySlots;
  readonly #ends = new Map<string, (error?: Error) => void>();

  constructor(runningMax: number, waitingMax: number) {
    this.#slots = new DeploySlots({ runningMax, waitingMax });
  }

  run(name: string): Promise<void> {
    return this.#slots.run(async () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#ends.set(name, (error) => (error === undefined ? resolve() : reject(error)));
      this.running.add(name);
      this.started.push(name);
      this.most = Math.max(this.most, this.running.size);
      await promise.finally(() => this.running.delete(name));
    });
  }

  end(name: string, error?: Error): void {
    this.#ends.get(name)?.(error);
  }
}

/** Lets everything run that waits for promises only. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await undefined;
}

describe("a deploy", () => {
  it.each([
    [1, 3, ["a"]],
    [2, 3, ["a", "b"]],
    [5, 3, ["a", "b", "c"]],
  ])("runs at once while fewer than %d run", async (runningMax, waitingMax, running) => {
    const deploys = new Deploys(runningMax, waitingMax);
    for (const name of ["a", "b", "c"]) void deploys.run(name);
    await settle();
    expect([...deploys.running]).toEqual(running);
  });

  it("gets the slot of one that ends, in the order in which they came", async () => {
    const deploys = new Deploys(1, 3);
    for (const name of ["a", "b", "c"]) void deploys.run(name);
    await settle();
    deploys.end("a");
    await settle();
    deploys.end("b");
    await settle();
    expect(deploys.started).toEqual(["a", "b", "c"]);
    expect(deploys.most).toBe(1);
  });

  it("cannot take a slot that has passed to one that waits", async () => {
    const deploys = new Deploys(1, 3);
    const first = deploys.run("a");
    void deploys.run("b");
    await settle();
    // Comes in the moment in which the slot is released.
    const late = first.then(() => deploys.run("late"));
    deploys.end("a");
    await settle();
    expect(deploys.started).toEqual(["a", "b"]);
    expect(deploys.most).toBe(1);
    deploys.end("b");
    await settle();
    deploys.end("late");
    await late;
  });

  it("is refused when as many wait as may", async () => {
    const deploys = new Deploys(1, 2);
    for (const name of ["a", "b", "c"]) void deploys.run(name);
    await expect(deploys.run("d")).rejects.toMatchObject({
      code: "overloaded",
      message: "Cannot deploy: 2 deploys wait already.",
    });
  });

  it("that fails releases its slot", async () => {
    const deploys = new Deploys(1, 1);
    const failing = deploys.run("a");
    void deploys.run("b");
    await settle();
    deploys.end("a", new Error("no"));
    await expect(failing).rejects.toThrow("no");
    expect([...deploys.running]).toEqual(["b"]);
  });
});
