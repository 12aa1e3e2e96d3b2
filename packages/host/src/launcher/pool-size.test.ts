import { expect, it } from "vitest";
import { decidePool, type Start } from "./pool-size.ts";

const starts = (ram: number, ...times: number[]): Start[] => times.map((at) => ({ at, ram }));

it.each<[string, Start[], [number, number][]]>([
  ["one of the usual, before anything was started", [], [[128, 1]]],
  ["one for starts that are far apart", starts(128, 0, 10_000, 20_000), [[128, 1]]],
  ["as many as came at once", starts(128, 0, 1, 2, 9_000), [[128, 3]]],
  ["no more than is allowed", starts(128, ...Array.from({ length: 20 }, (_, i) => i)), [[128, 8]]],
  ["none for what is long ago", starts(512, -600_000), [[128, 1]]],
  [
    "those of another size too, while they are needed",
    [...starts(512, 0, 1), ...starts(64, 2), ...starts(128, 3)],
    [
      [128, 1],
      [64, 1],
      [512, 2],
    ],
  ],
  [
    "of many sizes those that were needed last",
    [...starts(64, 0), ...starts(256, ...Array.from({ length: 9 }, (_, i) => i + 1))],
    [
      [128, 1],
      [256, 7],
    ],
  ],
])("keeps %s", (_name, of, wanted) => {
  const sorted = of.toSorted((a, b) => a.at - b.at);
  expect([...decidePool(sorted, { now: 20_000, max: 8, usualRam: 128 })]).toEqual(wanted);
});
