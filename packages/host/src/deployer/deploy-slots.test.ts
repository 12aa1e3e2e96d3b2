import { describe, expect, it } from "vitest";
import { DeploySlots } from "./deploy-slots.ts";

/** Deploys that run until the test ends them. */
class Deploys {
  readonly running = new Set<string>();
  readonly started: string[] = [];
  most = 0;
  readonly #slots: DeploySlots;
  readonly #ends = new Map<string, (error?: Error) => void>();

  readonly waits: (readonly [name: string, running: number, waiting: number])[] = [];

  constructor(runningMax: number, deploysMax: number) {
    this.#slots = new DeploySlots({ runningMax, deploysMax });
  }

  /** The first letter of its name is its environment. */
  admit(name: string, deploy: () => Promise<void>): Promise<void> {
    return this.#slots.admit(name.slice(0, 1), deploy);
  }

  run(name: string, environment = "dev"): Promise<void> {
    const onWaiting = ({ running, waiting }: { running: number; waiting: number }): void => {
      this.waits.push([name, running, waiting]);
    };
    const work = async (): Promise<void> => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#ends.set(name, (error) => (error === undefined ? resolve() : reject(error)));
      this.running.add(name);
      this.started.push(name);
      this.most = Math.max(this.most, this.running.size);
      await promise.finally(() => this.running.delete(name));
    };
    return this.#slots.run(environment, work, onWaiting);
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

  it("hears what it waits for", async () => {
    const deploys = new Deploys(2, 3);
    for (const name of ["a", "b", "c", "d"]) void deploys.run(name);
    await settle();
    expect(deploys.waits).toEqual([
      ["c", 2, 0],
      ["d", 2, 1],
    ]);
  });

  it("gets a free slot before one whose environment has more running deploys", async () => {
    const deploys = new Deploys(2, 9);
    for (const name of ["a1", "a2", "a3", "a4"]) void deploys.run(name, "a");
    for (const name of ["b1", "b2"]) void deploys.run(name, "b");
    await settle();
    for (const name of ["a1", "a2", "a3", "b1"]) {
      deploys.end(name);
      await settle();
    }
    expect(deploys.started).toEqual(["a1", "a2", "b1", "a3", "a4", "b2"]);
  });

  it("is refused when its environment has as many as it leaves to others", async () => {
    const deploys = new Deploys(1, 4);
    const ends: (() => void)[] = [];
    const admit = (name: string): Promise<void> =>
      deploys.admit(name, () => new Promise<void>((resolve) => ends.push(resolve)));
    const admitted = [admit("a1"), admit("a2")];
    await expect(admit("a3")).rejects.toMatchObject({
      code: "overloaded",
      message: "Cannot deploy: 2 deploys to a are under way already.",
    });
    admitted.push(admit("b1"));
    await expect(admit("b2")).rejects.toMatchObject({ code: "overloaded" });
    admitted.push(admit("c1"));
    await expect(admit("d1")).rejects.toMatchObject({ code: "overloaded" });
    for (const end of ends) end();
    await Promise.all(admitted);
    void admit("a3");
    expect(ends).toHaveLength(5);
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
