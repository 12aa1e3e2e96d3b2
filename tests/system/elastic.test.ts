import { expect, it } from "vitest";
import type { Figure } from "../../bench/figure.ts";
import { deployUnderLoad } from "../../bench/scenarios/deploys.ts";
import { killUnderLoad } from "../../bench/scenarios/kills.ts";
import { overloadService } from "../../bench/scenarios/overload.ts";
import { useResources } from "../../bench/scenarios/resources.ts";
import { stopAnInstance } from "../../bench/scenarios/silence.ts";

// The same scenarios that `npm run bench` measures, shorter. What they count is asserted here, not how fast it was.

const values = (figures: readonly Figure[], ...names: string[]): unknown[] =>
  names.map((name) => figures.find((figure) => figure.name === name)?.value);

it("deploys and rollbacks lose no call and break no stream", async () => {
  const figures = await deployUnderLoad(8);
  const none = ["failed calls", "broken streams", "replies of more than one version"];
  expect(values(figures, ...none)).toEqual([0, 0, 0]);
}, 60_000);

it("an instance that is killed fails its own calls, says why, and nothing hangs", async () => {
  const figures = await killUnderLoad(5_000);
  expect(values(figures, "hung calls", "failed without saying why")).toEqual([0, 0]);
  expect(figures.find(({ name }) => name === "failed calls")?.isKept).toBe(true);
}, 60_000);

it("an instance that does not answer gets no calls, and is replaced", async () => {
  const figures = await stopAnInstance();
  expect(values(figures, "answers of others meanwhile")[0]).toBeGreaterThan(0);
}, 60_000);

it("an overloaded service refuses early, and goes on with what it can carry", async () => {
  const figures = await overloadService(2_000);
  expect(values(figures, "failed otherwise, or refused at full utilisation")).toEqual([0]);
  expect(values(figures, "refused")[0]).toBeGreaterThan(0);
}, 60_000);

it("a resource has one owner at a time, through kills, deploys and scaling", async () => {
  const figures = await useResources(12_000);
  expect(
    values(
      figures,
      "owners at the same time",
      "ownerships with the same epoch",
      "failed not by a kill",
    ),
  ).toEqual([0, 0, 0]);
  expect(figures.every(({ isKept }) => isKept !== false)).toBe(true);
}, 90_000);
