import { seededRandom } from "../harness/seeded-random.ts";
import { isExpected } from "./call-outcomes.ts";
import { ChaosWorld } from "./chaos-world.ts";
import { counterContradiction } from "./counter-history.ts";
import { chooseFaults, type Fault } from "./faults.ts";
import type { LoadReport, WitnessReport } from "./machine-programs.ts";
import { Operator } from "./operator.ts";

export interface ChaosOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** Gets a line for each round. */
  readonly onProgress: (line: string) => void;
}

export interface ChaosResult {
  readonly rounds: number;
  readonly seconds: number;
  /** How often each fault happened. */
  readonly faults: ReadonlyMap<string, number>;
  /** Calls and changes by their kind and outcome. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** What instances told the witness. */
  readonly records: number;
  readonly violations: readonly string[];
}

/** Callers of each kind: several for each host. */
const CALLERS = 6;
const RESOURCES = 8;

/**
 * Runs a cluster with callers, an operator and a witness through rounds of faults that the seed decides. After each round, the
 * cluster must recover. Promises that were broken are named in the result.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const random = seededRandom(options.seed);
  const startedAt = performance.now();
  await using world = await ChaosWorld.start();
  const operator = new Operator(world, seededRandom(options.seed + 1));
  const { callers, token, hosts } = world;
  const addresses = hosts.map(({ address }) => address);
  callers.load({ addresses, token, callers: CALLERS, resources: RESOURCES });
  operator.start();
  const counts = new Map<string, number>();
  const violations: string[] = [];
  let round = 0;
  while (round < options.rounds && violations.length === 0) {
    round++;
    const faults = chooseFaults(random, options.faults);
    const names = faults.map(({ name }) => name).join("; ");
    for (const { name } of faults) count(counts, name);
    const began = performance.now();
    try {
      await Promise.all(faults.map((fault) => fault.run(world, random)));
      await world.settle();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      violations.push(`round ${round} (${names}): ${reason}`);
    }
    options.onProgress(`${round}  ${seconds(began).toFixed(1).padStart(5)} s  ${names}`);
  }
  const [load] = await Promise.all([callers.stop(), operator.stop()]);
  if (violations.length === 0) {
    await world.settle(0);
    violations.push(...(await operator.check()));
  }
  const witnessed = await world.witness.report();
  return {
    rounds: round,
    seconds: seconds(startedAt),
    faults: counts,
    outcomes: new Map([...flat(load), ...operator.outcomes]),
    records: witnessed.records,
    violations: [...violations, ...judge(world, load, witnessed)],
  };
}

/** Promises that calls and the witness have seen broken. */
function judge(world: ChaosWorld, load: LoadReport, witnessed: WitnessReport): readonly string[] {
  const found = [...witnessed.violations];
  for (const [resource, history] of load.increments) {
    const contradiction = counterContradiction(history);
    if (contradiction !== undefined) found.push(`the counter ${resource}: ${contradiction}`);
  }
  for (const [kind, outcomes] of Object.entries(load.outcomes)) {
    for (const [outcome, times] of Object.entries(outcomes)) {
      if (!isExpected(outcome)) found.push(`${times} ${kind}: ${outcome}`);
    }
  }
  for (const call of load.broken) {
    const host = world.hosts[call.host];
    if (host === undefined || host.wasDisturbed(call)) continue;
    found.push(
      `${call.outcome} by ${host.name}, which had no fault, after ${call.to - call.from} ms`,
    );
  }
  return found;
}

function flat({ outcomes }: LoadReport): readonly (readonly [string, number])[] {
  return Object.entries(outcomes).flatMap(([kind, of]) =>
    Object.entries(of).map(([outcome, times]) => [`${kind}: ${outcome}`, times] as const),
  );
}

const count = (counts: Map<string, number>, name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1);
};

const seconds = (since: number): number => (performance.now() - since) / 1_000;
