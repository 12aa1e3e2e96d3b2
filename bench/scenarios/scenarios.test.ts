// @module-tag alone
/** The scenarios that `npm run bench` measures, shorter: the tests check what they count, not how fast they are. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Figure } from "../figure.ts";
import { deployUnderLoad } from "./deploys.ts";
import { killUnderLoad } from "./kills.ts";
import { overloadService } from "./overload.ts";
import { useResources } from "./resources.ts";
import { stopAnInstance } from "./silence.ts";

const values = (figures: readonly Figure[], ...names: string[]): unknown[] =>
  names.map((name) => figures.find((figure) => figure.name === name)?.value);

it("no call fails and no stream breaks through deploys and rollbacks", async () => {
  const figures = await deployUnderLoad(6);
  const none = ["failed calls", "broken streams", "replies of more than one version"];
  expect(values(figures, ...none)).toEqual([0, 0, 0]);
}, 60_000);

describe("instances that are killed under load", () => {
  let figures: readonly Figure[];

  beforeAll(async () => {
    figures = await killUnderLoad(3_000);
  }, 60_000);

  it("no call hangs when instances are killed", () => {
    expect(values(figures, "hung calls")).toEqual([0]);
  });

  it("every call that fails with its instance says why", () => {
    expect(values(figures, "failed without saying why")).toEqual([0]);
  });

  it("only the calls of killed instances fail", () => {
    expect(figures.find(({ name }) => name === "failed calls")?.isKept).toBe(true);
  });
});

it("calls are answered by other instances while one does not respond", async () => {
  const figures = await stopAnInstance();
  expect(values(figures, "answers of others meanwhile")[0]).toBeGreaterThan(0);
}, 60_000);

describe("an overloaded service", () => {
  let figures: readonly Figure[];

  beforeAll(async () => {
    figures = await overloadService(1_000);
  }, 60_000);

  it("an overloaded service refuses calls", () => {
    expect(values(figures, "refused")[0]).toBeGreaterThan(0);
  });

  it("a service at full utilisation refuses no call", () => {
    expect(values(figures, "failed otherwise, or refused at full utilisation")).toEqual([0]);
  });
});

describe("resources through kills, deploys and scaling", () => {
  let figures: readonly Figure[];

  beforeAll(async () => {
    figures = await useResources(8_000);
  }, 90_000);

  it("a resource has one owner at a time", () => {
    expect(values(figures, "owners at the same time")).toEqual([0]);
  });

  it("no two ownerships of a resource have the same epoch", () => {
    expect(values(figures, "ownerships with the same epoch")).toEqual([0]);
  });

  it("calls of resources fail only by kills", () => {
    expect(values(figures, "failed not by a kill")).toEqual([0]);
  });

  it("every promise about resources is kept", () => {
    expect(figures.every(({ isKept }) => isKept !== false)).toBe(true);
  });
});
