import { expect, it } from "vitest";
import { type HostState, Readiness } from "./readiness.ts";

it.each<[Partial<HostState>, string | undefined]>([
  [{}, "Lever is starting"],
  [{ phase: "running" }, undefined],
  [{ phase: "running", workersMissing: 1 }, "1 of its workers is not running"],
  [{ phase: "running", workersMissing: 2 }, "2 of its workers are not running"],
  [
    { phase: "running", isDraining: true },
    "this host is drained, and lever hosts resume ends that",
  ],
  [{ phase: "starting", isDraining: true }, "Lever is starting"],
  [{ phase: "stopping", workersMissing: 2 }, "Lever is stopping"],
])("the obstacle of a host in the state %j is: %s", (state, obstacle) => {
  const readiness = new Readiness();
  readiness.change(state);
  expect(readiness.obstacle).toBe(obstacle);
});

it("a host that stops does not become ready again", () => {
  const readiness = new Readiness();
  const seen: HostState[] = [];
  readiness.changed.add((state) => seen.push(state));
  readiness.change({ phase: "stopping" });
  expect(readiness.stopping.aborted).toBe(true);
  readiness.change({ phase: "running" });
  expect([readiness.obstacle, seen.length]).toEqual(["Lever is stopping", 1]);
});
