import { expect, it } from "vitest";
import { counterContradiction, type Increment } from "./counter-history.ts";

const call = (from: number, to: number, value?: number): Increment => ({ from, to, value });

it.each<[what: string, history: readonly Increment[]]>([
  ["no calls", []],
  ["calls one after the other", [call(0, 1, 1), call(2, 3, 2)]],
  ["calls at once, in any order", [call(0, 5, 2), call(1, 4, 1)]],
  ["a failed call that has taken place", [call(0, 1, 1), call(2, 3), call(4, 5, 3)]],
  ["a failed call that took place later", [call(0, 1), call(2, 3, 1), call(4, 5, 3)]],
  ["a failed call that has not taken place", [call(0, 1), call(2, 3, 1), call(4, 5, 2)]],
])("%s can be those of one counter", (_, history) => {
  expect(counterContradiction(history)).toBeUndefined();
});

it.each<[what: string, history: readonly Increment[], contradiction: string]>([
  ["one number given twice", [call(0, 1, 1), call(0, 1, 1)], "two calls were answered 1"],
  [
    "a counter that went back",
    [call(0, 1, 2), call(2, 3, 1)],
    "the call that was answered 1 began after a higher answer had come",
  ],
  [
    "a counter that went back over others",
    [call(0, 9, 2), call(0, 1, 3), call(2, 3, 1)],
    "the call that was answered 1 began after a higher answer had come",
  ],
  [
    "a number that nobody took",
    [call(0, 1, 1), call(2, 3, 3)],
    "nobody can have made the increment to 2",
  ],
  [
    "a number that only a later call can have taken",
    [call(0, 1, 2), call(2, 3)],
    "nobody can have made the increment to 1",
  ],
])("%s contradicts one counter", (_, history, contradiction) => {
  expect(counterContradiction(history)).toBe(contradiction);
});
