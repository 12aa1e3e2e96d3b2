import { describe, expect, it } from "vitest";
import { seededRandom } from "../harness/seeded-random.ts";
import { fuzz } from "./fuzz.ts";
import { type Corpus, Mutator } from "./mutator.ts";
import type { FuzzTarget, Subject } from "./target.ts";
import { hostTargets, partTargets } from "./targets/index.ts";

/** Inputs for each target here; `npm run fuzz` gives it any number. */
const COUNTS: Readonly<Record<string, number>> = {
  http1: 500,
  http2: 300,
  grpc: 300,
  websocket: 400,
  "caller-link": 400,
  tokens: 400,
  link: 600,
  archives: 120,
  "lever-json": 3_000,
};

const run = async (target: FuzzTarget): Promise<void> => {
  await fuzz(target, { seed: 20, from: 0, count: COUNTS[target.name] ?? Number.NaN });
};
const LONGEST_MS = 240_000;

// Most of their time goes by with waiting for a host.
it.concurrent.each(hostTargets)("$name is taken as it comes", run, LONGEST_MS);

it.each(partTargets)("$name are taken as they come", run, LONGEST_MS);

const corpus: Corpus = {
  inputs: [["{", '"a": 1', "}"].map((part) => Buffer.from(part))],
  words: ["null", "[["],
  encode: (parts) => Buffer.concat(parts),
};

it("makes an input from its seed alone, valid ones among many faulty ones", () => {
  const inputs = (seed: number): string[] =>
    Array.from({ length: 500 }, (_, index) =>
      new Mutator(seededRandom(seed + index), corpus).next().toString("latin1"),
    );
  expect(inputs(1)).toEqual(inputs(1));
  expect(inputs(1)).not.toEqual(inputs(1_000));
  expect(new Set(inputs(1)).size).toBeGreaterThan(200);
  expect(inputs(1)).toContain('{"a": 1}');
});

describe("a run finds", () => {
  const targetOf = (changes: Partial<Subject>): FuzzTarget => ({
    name: "victim",
    open: async () => ({
      corpus,
      inputsAtOnce: 4,
      feed() {},
      async check() {},
      measure: async () => [],
      async [Symbol.asyncDispose]() {},
      ...changes,
    }),
  });
  const runVictim = (changes: Partial<Subject>): Promise<unknown> =>
    fuzz(targetOf(changes), { seed: 7, from: 100, count: 400 });

  it("an input that breaks it, and says how to send that one again", async () => {
    const found = await runVictim({
      feed(bytes) {
        if (bytes.includes("[[")) throw new Error("it fell over");
      },
    }).catch(String);
    const [, index] = /victim, seed 7, input (\d+): Error: it fell over/.exec(String(found)) ?? [];
    expect(found).toContain(`--target victim --seed 7 --from ${index} --count 1`);
    let fed = "";
    const once = targetOf({
      feed(bytes) {
        fed = bytes.toString();
      },
    });
    await fuzz(once, { seed: 7, from: Number(index), count: 1 });
    expect(fed).toContain("[[");
  });

  it("a target that no longer does what it is for", async () => {
    const check = (): Promise<void> => Promise.reject(new Error("it is mute"));
    await expect(runVictim({ check })).rejects.toThrow(
      /after inputs 100 to 199: Error: it is mute/,
    );
  });

  it("what grows from input to input", async () => {
    let fed = 0;
    const feed = (): void => {
      fed++;
    };
    const measure = async () => [{ name: "files", value: fed, growthMax: 20 }];
    await expect(runVictim({ feed, measure })).rejects.toThrow("files grew from 100 to 400");
  });
});
