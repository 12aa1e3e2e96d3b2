import { decideInstances, ResourceLedger, ServiceRoute } from "@leveros/host/parts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type SimulationOptions, simulate } from "./simulate.ts";

const SEEDS = 150;

/** The first thing that is violated in some seeds; undefined = nothing is. */
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

it(`keeps what is promised in ${SEEDS} simulated worlds`, async () => {
  expect(await firstViolation(SEEDS)).toBeUndefined();
}, 60_000);

it("is decided by its seed", async () => {
  const [one, same, other] = [
    await simulate({ seed: 7 }),
    await simulate({ seed: 7 }),
    await simulate({ seed: 8 }),
  ];
  expect(one).toEqual(same);
  expect(one).not.toEqual(other);
  expect(one.calls).toBeGreaterThan(100);
  expect(one.ownerships).toBeGreaterThan(10);
});

describe("a simulation finds", () => {
  it("a ledger that takes an instance that ends for a dead one", async () => {
    vi.spyOn(ResourceLedger.prototype, "stopping").mockImplementation(function (
      this: ResourceLedger<object, { resource: string }>,
      instance: object,
    ) {
      this.exited(instance);
    });
    expect(await firstViolation(SEEDS)).toMatch(/O1: .* has two owners$/);
  }, 60_000);

  it("a ledger that does not wait for closeResource", async () => {
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

  it("a policy that starts more instances than a service may have", async () => {
    const decide: typeof decideInstances = (recent, service, options) =>
      decideInstances(recent, { ...service, maxInstances: 50 }, options);
    const greedy: typeof decideInstances = (recent, service, options) => ({
      ...decide(recent, service, options),
      wanted: decide(recent, service, options).wanted * 3,
    });
    // The fleet itself holds every policy to the most instances: what is left to find is that they never go.
    expect(await firstViolation(SEEDS, { decide: greedy })).toMatch(/ends with \d+ instances$/);
  }, 60_000);

  it("a policy that keeps no instance for those who wait", async () => {
    const lazy: typeof decideInstances = (recent, service, options) => ({
      ...decideInstances(recent, service, options),
      wanted: 0,
    });
    expect(await firstViolation(SEEDS, { decide: lazy })).toMatch(/calls have no ending$/);
  }, 60_000);

  it("a router that sends calls to instances that stop", async () => {
    vi.spyOn(ServiceRoute.prototype, "drain").mockImplementation(() => {});
    vi.spyOn(ServiceRoute.prototype, "stopping").mockImplementation(() => {});
    expect(await firstViolation(SEEDS)).toMatch(/follows the promise that none does$/);
  }, 60_000);
});
