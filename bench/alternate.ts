import type { BenchRun } from "./scenario.ts";

/**
 * Measures each in turn, and that for several rounds, every other round in the opposite order: what changes about the
 * machine meanwhile changes it for all. Returns what each measured, round by round; nothing is dropped.
 */
export async function alternate<Contender, Result>(
  run: BenchRun,
  contenders: readonly Contender[],
  measure: (contender: Contender) => Promise<Result>,
): Promise<Map<Contender, Result[]>> {
  const results = new Map<Contender, Result[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < run.rounds; round++) {
    run.spin();
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      results.get(contender)?.push(await measure(contender));
    }
  }
  run.spin();
  return results;
}
