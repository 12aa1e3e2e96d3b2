import { expect, it } from "vitest";
import { OwnedResources } from "./owned-resources.ts";

/** Whether a promise is settled by now. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  for (let i = 0; i < 5; i++) await undefined;
  return settled;
}

it("a resource is quiet when no function works for it any more", async () => {
  const held = new OwnedResources();
  held.acquire("r", 7);
  expect(held.epochOf("r")).toBe(7);
  expect(await isSettled(held.whenIdle("r"))).toBe(true);
  held.begin("r");
  held.begin("r");
  const quiet = held.whenIdle("r");
  held.settle("r");
  expect(await isSettled(quiet)).toBe(false);
  held.settle("r");
  expect(await isSettled(quiet)).toBe(true);
});

it("a resource that is given back is quiet, and forgotten", async () => {
  const held = new OwnedResources();
  held.acquire("r", 1);
  held.begin("r");
  const quiet = held.whenIdle("r");
  held.release("r");
  expect(await isSettled(quiet)).toBe(true);
  expect(held.epochOf("r")).toBeUndefined();
  expect(held.names).toEqual([]);
  // What ends late is nobody's business any more.
  held.settle("r");
});

it("one that is not there is quiet", async () => {
  expect(await isSettled(new OwnedResources().whenIdle("r"))).toBe(true);
});
