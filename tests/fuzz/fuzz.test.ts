import { describe, expect, it } from "vitest";
import { seededRandom } from "../harness/seeded-random.ts";
import { fuzz } from "./fuzz.ts";
import { openHttp1Readers } from "./http1-readers.ts";
import { http1Vectors } from "./http1-vectors.ts";
import { type Corpus, Mutator } from "./mutator.ts";
import type { FuzzTarget, Subject } from "./target.ts";
import { hostTargets, partTargets } from "./targets/index.ts";

/** Inputs for each target here; `npm run fuzz` gives it any number. */
const COUNTS: Readonly<Record<string, number>> = {
  http1: 500,
  "http1-readers": 400,
  http2: 300,
  grpc: 300,
  websocket: 400,
  "caller-link": 400,
  tokens: 400,
  link: 600,
  archives: 120,
  "lever-json": 3_000,
  "program-answers": 1_500,
  "host-names": 10_000,
};

const run = async (target: FuzzTarget): Promise<void> => {
  await fuzz(target, { seed: 20, from: 0, count: COUNTS[target.name] ?? Number.NaN });
};
const LONGEST_MS = 240_000;

// They mostly wait for a host.
it.concurrent.each(hostTargets)("faulty inputs of $name break nothing in a host", run, LONGEST_MS);

it.each(partTargets)("faulty inputs of $name break nothing", run, LONGEST_MS);

it("all readers of HTTP/1.1 read every vector alike, as the first request and later", async () => {
  await using readers = await openHttp1Readers();
  const failures: string[] = [];
  for (const [name, text] of http1Vectors) {
    const sending = { text, cut: text.length, isCutOff: false };
    const note = (error: unknown): number => failures.push(`${name}: ${error}`);
    await readers.compare(sending).catch(note);
    if (!text.startsWith("PRI")) await readers.compareFirst(sending).catch(note);
  }
  expect(failures).toEqual([]);
}, 60_000);

it("readers of HTTP/1.1 read a sequence alike, wherever its bytes are cut in two", async () => {
  await using readers = await openHttp1Readers();
  const text = ["sequence 2", "upgrade 9", "sequence 6"]
    .map((name) => http1Vectors.find(([other]) => other === name)?.[1] ?? "")
    .join("");
  for (let cut = 0; cut <= text.length; cut++) {
    await readers.compare({ text, cut, isCutOff: false });
  }
}, 60_000);

const corpus: Corpus = {
  inputs: [["{", '"a": 1', "}"].map((part) => Buffer.from(part))],
  words: ["null", "[["],
  encode: (parts) => Buffer.concat(parts),
};

describe("500 inputs of a mutator", () => {
  const inputs = (seed: number): string[] =>
    Array.from({ length: 500 }, (_, index) =>
      new Mutator(seededRandom(seed + index), corpus).next().toString("latin1"),
    );

  it("a mutator makes the same inputs from the same seed", () => {
    expect(inputs(1)).toEqual(inputs(1));
  });

  it("a mutator makes other inputs from another seed", () => {
    expect(inputs(1)).not.toEqual(inputs(1_000));
  });

  it("a mutator makes more than 200 different inputs of 500", () => {
    expect(new Set(inputs(1)).size).toBeGreaterThan(200);
  });

  it("a mutator also makes valid inputs", () => {
    expect(inputs(1)).toContain('{"a": 1}');
  });
});

describe("a fuzz run", () => {
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

  const findInput = async (): Promise<{ found: string; index: string | undefined }> => {
    const found = await runVictim({
      feed(bytes) {
        if (bytes.includes("[[")) throw new Error("it fell over");
      },
    }).catch(String);
    const [, index] = /victim, seed 7, input (\d+): Error: it fell over/.exec(String(found)) ?? [];
    return { found: String(found), index };
  };

  it("a fuzz run names the command that sends a faulty input again", async () => {
    const { found, index } = await findInput();
    expect(found).toContain(`--target victim --seed 7 --from ${index} --count 1`);
  });

  it("a fuzz run of one input sends the input that was found", async () => {
    const { index } = await findInput();
    let fed = "";
    const once = targetOf({
      feed(bytes) {
        fed = bytes.toString();
      },
    });
    await fuzz(once, { seed: 7, from: Number(index), count: 1 });
    expect(fed).toContain("[[");
  });

  it("a fuzz run fails when its target no longer works", async () => {
    const check = (): Promise<void> => Promise.reject(new Error("it is mute"));
    await expect(runVictim({ check })).rejects.toThrow(
      /after inputs 100 to 199: Error: it is mute/,
    );
  });

  it("a fuzz run fails when a measure grows from input to input", async () => {
    let fed = 0;
    const feed = (): void => {
      fed++;
    };
    const measure = async () => [{ name: "files", value: fed, growthMax: 20 }];
    await expect(runVictim({ feed, measure })).rejects.toThrow("files grew from 100 to 400");
  });
});
