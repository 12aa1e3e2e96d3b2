import type { BenchRun } from "./scenario.ts";

/**
 * Measures subjects in turn, for several rounds, every other round in the opposite order. So a change of the machine
 * changes the results of all. Returns the results of each subject, round by round. No result is dropped.
 */
export async function interleave<Subject, Result>(
  run: BenchRun,
  subjects: readonly Subject[],
  measure: (subject: Subject) => Promise<Result>,
): Promise<Map<Subject, Result[]>> {
  const results = new Map<Subject, Result[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < run.rounds; round++) {
    run.calibrate();
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      results.get(subject)?.push(await measure(subject));
    }
  }
  run.calibrate();
  return results;
}
