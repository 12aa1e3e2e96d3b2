import { describe, expect, it } from "vitest";
import { seededRandom } from "../harness/seeded-random.ts";
import { fuzz } from "./fuzz.ts";
import { type Corpus, Mutator } from "./mutator.ts";
import type { FuzzTarget, Subject } from "./target.ts";
import { targets } from "./targets/index.ts";

/** Inputs for each target here; `npm run fuzz` gives it any number. */
const COUNTS: Readonly<Record<string, number>> = {
  http1: 1_200,
  http2: 800,
  grpc: 800,
  websocket: 1_000,
  tokens: 800,
  link: 1_500,
  archives: 400,
  "lever-json": 10_000,
};

it.each(targets)(
  "$name takes whatever comes, and goes on",
  async (target) => {
    const count = COUNTS[target.name] ?? Number.NaN;
    await fuzz(target, { seed: 20, from: 0, count });
  },
  120_000,
);

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
  expect(new Set(inputs(1)).size).toBeGreaterThan(300);
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
  const run = (changes: Partial<Subject>): Promise<unknown> =>
    fuzz(targetOf(changes), { seed: 7, from: 100, count: 400 });

  it("an input that breaks it, and says how to send that one again", async () => {
    const found = await run({
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
    await expect(run({ check })).rejects.toThrow(/after inputs 100 to 199: Error: it is mute/);
  });

  it("what grows from input to input", async () => {
    let fed = 0;
    const feed = (): void => {
      fed++;
    };
    const measure = async () => [{ name: "files", value: fed, growthMax: 20 }];
    await expect(run({ feed, measure })).rejects.toThrow("files grew from 100 to 400");
  });
});
