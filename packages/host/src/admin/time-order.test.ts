import { expect, it } from "vitest";
import { HOLD_MS, TimeOrder } from "./time-order.ts";

it("messages of several hosts come out in the order of their times, after they were held", () => {
  const order = new TimeOrder<string>();
  order.add("a1", { at: 1_000, now: 0 });
  order.add("a3", { at: 3_000, now: 0 });
  order.add("b2", { at: 2_000, now: 100 });
  expect(order.take(HOLD_MS - 1)).toEqual([]);
  expect(order.take(HOLD_MS)).toEqual(["a1", "b2", "a3"]);
  expect(order.size).toBe(0);
});

it("a message that comes late waits for no other, and later ones stay", () => {
  const order = new TimeOrder<string>();
  order.add("late", { at: 500, now: 0 });
  order.add("new", { at: 9_000, now: 200 });
  expect(order.take(HOLD_MS)).toEqual(["late"]);
  order.add("later", { at: 8_000, now: 300 });
  expect(order.take(200 + HOLD_MS)).toEqual(["later", "new"]);
});

it("messages of one time stay in the order in which they came", () => {
  const order = new TimeOrder<number>();
  for (let i = 0; i < 5; i++) order.add(i, { at: 7, now: i });
  expect(order.take(HOLD_MS)).toEqual([0, 1, 2, 3, 4]);
});
