import { expect, it } from "vitest";
import { densityBars } from "./density-bars.ts";

const at = (ms: number): { readonly at: string; readonly ms: number } => ({
  at: new Date(ms).toISOString(),
  ms,
});
const isBad = ({ ms }: { readonly ms: number }): boolean => ms === 35;

it("items are counted by the part of the time that they fall into", () => {
  const items = [0, 1, 9, 10, 35, 39, 40].map(at);
  expect(densityBars(items, { bars: 4, isBad })).toEqual([
    { from: 0, count: 3, bad: 0 },
    { from: 3, count: 1, bad: 0 },
    { from: 4, count: 0, bad: 0 },
    { from: 4, count: 3, bad: 1 },
  ]);
});

it("items of one time, and none, have no bars", () => {
  expect(densityBars([at(5), at(5)], { bars: 4, isBad })).toEqual([]);
  expect(densityBars([], { bars: 4, isBad })).toEqual([]);
});
