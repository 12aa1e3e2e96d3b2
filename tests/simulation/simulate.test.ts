import { decideInstances, ResourceLedger, ServiceRoute } from "@leveros/host/parts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type SimulationOptions, simulate } from "./simulate.ts";

const SEEDS = 150;

/** The first violation in the first seeds. undefined = there is none. */
async function firstViolation(
  seeds: number,
  options: Omit<SimulationOptions, "seed"> = {},
): Promise<string | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await simulate({ seed, ...options });
    if (violations[0] !== undefined) return `seed ${seed} ${violations[0]}`;
  }
  return undefined;
}

afterEach(() => {
  vi.restoreAllMocks();
});

it(`the host keeps its promises in ${SEEDS} simulated worlds`, async () => {
  expect(await firstViolation(SEEDS)).toBeUndefined();
}, 60_000);

it("a simulation has the same result for the same seed", async () => {
  expect(await simulate({ seed: 7 })).toEqual(await simulate({ seed: 7 }));
});

it("a simulation has another result for another seed", async () => {
  expect(await simulate({ seed: 7 })).not.toEqual(await simulate({ seed: 8 }));
});

it("a simulation makes more than 100 calls and 10 ownerships", async () => {
  const one = await simulate({ seed: 7 });
  expect(one.calls).toBeGreaterThan(100);
  expect(one.ownerships).toBeGreaterThan(10);
});

describe("a fault of the host", () => {
  it("a simulation finds a ledger that takes a stopping instance for a dead one", async () => {
    vi.spyOn(ResourceLedger.prototype, "stopping").mockImplementation(function (
      this: ResourceLedger<object, { resource: string }>,
      instance: object,
    ) {
      this.exited(instance);
    });
    expect(await firstViolation(SEEDS)).toMatch(/O1: .* has two owners$/);
  }, 60_000);

  it("a simulation finds a ledger that does not wait for closeResource", async () => {
    const { drain } = ResourceLedger.prototype;
    vi.spyOn(ResourceLedger.prototype, "drain").mockImplementation(function (
      this: ResourceLedger<object, { resource: string }>,
      instance: object,
    ) {
      drain.call(this, instance);
      this.exited(instance);
    });
    expect(await firstViolation(SEEDS)).toMatch(/O[13]: /);
  }, 60_000);

  it("a simulation finds a policy that never stops instances", async () => {
    const decide: typeof decideInstances = (recent, service, options) =>
      decideInstances(recent, { ...service, maxInstances: 50 }, options);
    const greedy: typeof decideInstances = (recent, service, options) => ({
      ...decide(recent, service, options),
      wanted: decide(recent, service, options).wanted * 3,
    });
    // The fleet itself enforces maxInstances. The simulation finds that the instances never stop.
    expect(await firstViolation(SEEDS, { decide: greedy })).toMatch(/ends with \d+ instances$/);
  }, 60_000);

  it("a simulation finds a policy that starts no instance for waiting calls", async () => {
    const lazy: typeof decideInstances = (recent, service, options) => ({
      ...decideInstances(recent, service, options),
      wanted: 0,
    });
    expect(await firstViolation(SEEDS, { decide: lazy })).toMatch(/calls have no ending$/);
  }, 60_000);

  it("a simulation finds a router that sends calls to stopping instances", async () => {
    vi.spyOn(ServiceRoute.prototype, "drain").mockImplementation(() => {});
    vi.spyOn(ServiceRoute.prototype, "stopping").mockImplementation(() => {});
    expect(await firstViolation(SEEDS)).toMatch(
      /(?:follows the promise that none does|is sent to a dead process)$/,
    );
  }, 60_000);
});
