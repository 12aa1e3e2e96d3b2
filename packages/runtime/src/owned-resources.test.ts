import { expect, it } from "vitest";
import { OwnedResources } from "./owned-resources.ts";

/** True when a promise is settled now. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  for (let i = 0; i < 5; i++) await undefined;
  return settled;
}

it("a resource is idle when no function runs for it", async () => {
  const owned = new OwnedResources();
  owned.acquire("r", 7);
  expect(owned.epochOf("r")).toBe(7);
  expect(await isSettled(owned.whenIdle("r"))).toBe(true);
  owned.begin("r");
  owned.begin("r");
  const idle = owned.whenIdle("r");
  owned.settle("r");
  expect(await isSettled(idle)).toBe(false);
  owned.settle("r");
  expect(await isSettled(idle)).toBe(true);
});

it("a released resource is idle and no longer owned", async () => {
  const owned = new OwnedResources();
  owned.acquire("r", 1);
  owned.begin("r");
  const idle = owned.whenIdle("r");
  owned.release("r");
  expect(await isSettled(idle)).toBe(true);
  expect(owned.epochOf("r")).toBeUndefined();
  expect(owned.names).toEqual([]);
  // A function that ends later has no effect.
  owned.settle("r");
});

it("a resource that is not owned is idle", async () => {
  expect(await isSettled(new OwnedResources().whenIdle("r"))).toBe(true);
});
