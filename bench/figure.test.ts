import { expect, it } from "vitest";
import { atLeast, atMost, bestBesideTarget, type Figure } from "./figure.ts";

it.each<[string, Figure, number]>([
  ["the best round that must reach a limit", atLeast("", [0.3, 0.6, 0.4], 1.2), 0.5],
  ["the best round that must stay below a limit", atMost("", [9, 3, 6], 1.5), 0.5],
  ["one value", atLeast("", 2, 1), 2],
  ["failed calls where none may fail", atMost("", 1, 0), 0],
  ["no failed call", atMost("", 0, 0), 1],
  ["a scenario that failed", { name: "", value: "no port", target: "none", isKept: false }, 0],
])("the distance to a target is that of %s", (_what, figure, distance) => {
  expect(bestBesideTarget(figure)).toBe(distance);
});
