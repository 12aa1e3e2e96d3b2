import { afterAll, beforeAll, expect, it } from "vitest";
import { plantedFaults } from "./faults.ts";
import { SourceCopy } from "./source-copy.ts";

/** Some of the faults, and how many worlds are enough to find them. `npm run mutate` plants all. */
const SEEDS = 10;
const SOME = [
  "Streams that have ended still count on their instance.",
  "Calls that have ended still count on their service.",
  "An owner that does not answer still gets calls.",
  "Instances that have exited stay in the table of owners.",
];
const LONGEST_MS = 120_000;

let copy: SourceCopy;

beforeAll(() => {
  copy = new SourceCopy();
}, LONGEST_MS);

afterAll(() => copy[Symbol.dispose]());

it(
  "the simulation passes without a planted fault",
  async () => {
    const { isGood, output } = await copy.run(["simulation"], { seeds: SEEDS });
    expect(isGood, output).toBe(true);
  },
  LONGEST_MS,
);

it.each(SOME)(
  "the simulation finds: %s",
  async (name) => {
    const fault = plantedFaults.find((planted) => planted.name === name);
    if (fault === undefined) throw new Error(`There is no fault ${name}`);
    expect(await copy.isCaught(fault, "simulation", { seeds: SEEDS })).toBe(true);
  },
  LONGEST_MS,
);

it(
  "unit tests find a planted fault",
  async () => {
    const fault = plantedFaults.find(({ file }) => file.endsWith("resource-ledger.ts"));
    const catcher = fault?.caughtBy.find((name) => name !== "simulation");
    if (fault === undefined || catcher === undefined) throw new Error("There is no such fault.");
    expect(await copy.isCaught(fault, catcher)).toBe(true);
  },
  LONGEST_MS,
);
