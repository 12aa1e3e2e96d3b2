import type { ClusterRules } from "./cluster-rules.ts";
import { simulateCluster } from "./cluster-world.ts";

/** Each weakened variant of the rules is found within so many seeds. */
export const MUTATION_SEEDS = 150;

/** The first violation in the first seeds. undefined = there is none. */
export function firstClusterViolation(mutation?: Partial<ClusterRules>): string | undefined {
  for (let seed = 1; seed <= MUTATION_SEEDS; seed++) {
    const [violation] = simulateCluster({ seed, ...(mutation && { mutation }) }).violations;
    if (violation !== undefined) return `seed ${seed} ${violation}`;
  }
  return undefined;
}
