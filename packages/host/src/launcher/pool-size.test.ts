import { expect, it } from "vitest";
import { decidePool, type Start } from "./pool-size.ts";

const starts = (ram: number, ...times: number[]): Start[] => times.map((at) => ({ at, ram }));

it.each<[string, Start[], [number, number][]]>([
  ["one runtime of the default size before the first start", [], [[128, 1]]],
  ["one runtime for starts that are far apart", starts(128, 0, 10_000, 20_000), [[128, 1]]],
  ["as many runtimes as started in one burst", starts(128, 0, 1, 2, 9_000), [[128, 3]]],
  [
    "no more runtimes than its maximum",
    starts(128, ...Array.from({ length: 20 }, (_, i) => i)),
    [[128, 8]],
  ],
  ["no runtime for a start ten minutes ago", starts(512, -600_000), [[128, 1]]],
  [
    "runtimes of other sizes too, the latest size first",
    [...starts(512, 0, 1), ...starts(64, 2), ...starts(128, 3)],
    [
      [128, 1],
      [64, 1],
      [512, 2],
    ],
  ],
  [
    "the sizes that started last when the maximum is too few for all",
    [...starts(64, 0), ...starts(256, ...Array.from({ length: 9 }, (_, i) => i + 1))],
    [
      [128, 1],
      [256, 7],
    ],
  ],
])("the pool keeps %s", (_name, of, wanted) => {
  const sorted = of.toSorted((a, b) => a.at - b.at);
  expect([...decidePool(sorted, { now: 20_000, max: 8, defaultRam: 128 })]).toEqual(wanted);
});
