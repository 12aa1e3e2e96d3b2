import { expect, it } from "vitest";
import { parseWorkers } from "./parse-workers.ts";

it("the number of workers is from 1 to 64", () => {
  expect(["1", "64", "0", "65", "1e1", "-1", ""].map(parseWorkers)).toEqual([
    1,
    64,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
