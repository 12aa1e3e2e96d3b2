import { expect, it } from "vitest";
import { clusterMutations } from "./cluster-rules.ts";
import { firstClusterViolation, MUTATION_SEEDS } from "./cluster-violations.ts";
import { simulateCluster } from "./cluster-world.ts";

it(`hosts of a cluster keep their promises in ${MUTATION_SEEDS} simulated worlds`, () => {
  expect(firstClusterViolation()).toBeUndefined();
}, 60_000);

it.each(Object.entries(clusterMutations))(
  "the simulation finds a weakened cluster: %s",
  (name, mutation) => {
    const found = firstClusterViolation(mutation);
    console.log(`found: ${name}: ${found}`);
    expect(found).toMatch(/ instances act for | is used /);
  },
  60_000,
);

it("a simulated cluster has the same result for the same seed", () => {
  expect(simulateCluster({ seed: 7 })).toEqual(simulateCluster({ seed: 7 }));
});

it("simulated clusters fence hosts, move resources and answer calls", () => {
  const results = Array.from({ length: 10 }, (_, i) => simulateCluster({ seed: i + 1 }).counts);
  const sum = (of: keyof (typeof results)[number]): number =>
    results.reduce((total, counts) => total + counts[of], 0);
  expect(sum("fenced")).toBeGreaterThan(10);
  expect(sum("kept")).toBeGreaterThan(10);
  expect(sum("moves")).toBeGreaterThan(20);
  expect(sum("answered")).toBeGreaterThan(1_000);
});
