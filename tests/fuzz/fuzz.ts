import { seededRandom } from "../harness/seeded-random.ts";
import { Mutator } from "./mutator.ts";
import { StallGuard } from "./stall-guard.ts";
import type { FuzzTarget, Measure, Subject } from "./target.ts";

export interface FuzzOptions {
  readonly seed: number;
  /** Index of the first input. */
  readonly from: number;
  readonly count: number;
  /** Gets the number of inputs that are done. */
  readonly onProgress?: (done: number) => void;
}

export interface FuzzResult {
  readonly count: number;
  readonly seconds: number;
  /** The measures that did not grow, before and after. */
  readonly measures: string;
}

/** Inputs between two looks at whether the target still works. */
const BATCH = 1_000;
/** The part of all inputs before the first measurement. */
const WARM_UP_SHARE = 0.25;

/**
 * Gives a target faulty inputs, each decided by the seed and its index.
 * @throws Error that says what broke, and the command that shows it again.
 */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  const { seed, from, count, onProgress } = options;
  const replay = (index: number, inputs: number): string =>
    `npm run fuzz -- --target ${target.name} --seed ${seed} --from ${index} --count ${inputs}`;
  const startedAt = performance.now();
  await using subject = await target.open();
  using guard = new StallGuard((index) => `${target.name} hangs: ${replay(index, 1)}`);
  let before: readonly Measure[] | undefined;
  let done = 0;
  while (done < count) {
    const isWarmUp = before === undefined && done >= count * WARM_UP_SHARE;
    if (isWarmUp) before = await subject.measure();
    const first = from + done;
    const size = Math.min(BATCH, count - done, Math.max(1, Math.ceil(count * WARM_UP_SHARE)));
    await runBatch(subject, { seed, first, end: first + size, guard }).catch((error: unknown) => {
      const { index, reason } = error as InputError;
      throw new Error(
        `${target.name}, seed ${seed}, input ${index}: ${reason}\n${replay(index, 1)}`,
      );
    });
    guard.rest();
    await subject.check().catch((error: unknown) => {
      const which = `inputs ${first} to ${first + size - 1}`;
      throw new Error(
        `${target.name}, seed ${seed}, after ${which}: ${error}\n${replay(first, size)}`,
      );
    });
    done += size;
    onProgress?.(done);
  }
  const after = await subject.measure();
  const grown = after.flatMap(({ name, value, growthMax }) => {
    const was = before?.find((measure) => measure.name === name)?.value ?? value;
    return value - was > growthMax ? [`${name} grew from ${was} to ${value}`] : [];
  });
  if (grown.length > 0) {
    throw new Error(`${target.name}, seed ${seed}: ${grown.join("; ")}\n${replay(from, count)}`);
  }
  return {
    count,
    seconds: (performance.now() - startedAt) / 1_000,
    measures: after
      .map(({ name, value }) => {
        const was = before?.find((measure) => measure.name === name)?.value ?? value;
        return `${name} ${was} → ${value}`;
      })
      .join(", "),
  };
}

class InputError {
  readonly index: number;
  readonly reason: string;

  constructor(index: number, reason: string) {
    this.index = index;
    this.reason = reason;
  }
}

/** @throws InputError for the first input that breaks something, after the others of its batch have ended. */
async function runBatch(
  subject: Subject,
  batch: { seed: number; first: number; end: number; guard: StallGuard },
): Promise<void> {
  const { seed, first, end, guard } = batch;
  const failures: InputError[] = [];
  let next = first;
  const run = async (): Promise<void> => {
    while (next < end && failures.length === 0) {
      const index = next++;
      guard.at(index);
      const mutator = new Mutator(randomOf(seed, index), subject.corpus);
      const bytes = mutator.next();
      try {
        await subject.feed(bytes, (below) => mutator.below(below));
      } catch (error) {
        const shown = bytes.subarray(0, 200).toString("latin1");
        failures.push(new InputError(index, `${error}, for ${JSON.stringify(shown)}`));
      }
    }
  };
  await Promise.all(Array.from({ length: subject.inputsAtOnce }, run));
  const [failure] = failures.sort((a, b) => a.index - b.index);
  if (failure !== undefined) throw failure;
}

/** Random numbers that belong to one input alone, so that it can be made without those before it. */
function randomOf(seed: number, index: number): () => number {
  return seededRandom(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b));
}
