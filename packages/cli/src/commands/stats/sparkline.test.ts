import { expect, it } from "vitest";
import { sparkline } from "./sparkline.ts";

const time = { from: 0, to: 100, width: 5 };

it.each([
  [[], "▁▁▁▁▁"],
  [[[10, 1]], "█▁▁▁▁"],
  [
    [
      [10, 0],
      [30, 50],
      [50, 100],
      [70, 1],
      [100, 100],
    ],
    "▁▅█▂█",
  ],
  [
    [
      [81, 1],
      [99, 3],
      [45, 1],
    ],
    "▁▁▃▁█",
  ],
] as const)("the values %j are drawn as %s", (values, expected) => {
  expect(
    sparkline(
      values.map(([at, value]) => ({ at, value })),
      time,
    ),
  ).toBe(expected);
});
