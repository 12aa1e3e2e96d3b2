import { expect, it } from "vitest";
import { BodyBudget, BodyReservation } from "./body-budget.ts";

it("a budget reserves up to its limit, to the byte", () => {
  const budget = new BodyBudget(10);
  expect(budget.reserve(10)).toBe(true);
  expect(budget.reserve(1)).toBe(false);
  budget.release(1);
  expect(budget.reserve(1)).toBe(true);
});

it("a refused reservation reserves nothing", () => {
  const budget = new BodyBudget(10);
  expect(budget.reserve(11)).toBe(false);
  expect(budget.reserve(10)).toBe(true);
});

it("bytes that are held already are counted, within the limit or not", () => {
  const budget = new BodyBudget(10);
  expect(budget.count(11)).toBe(false);
  expect(budget.reserve(0)).toBe(false);
  expect(budget.count(-1)).toBe(true);
});

it("a reservation releases everything once", () => {
  const budget = new BodyBudget(10);
  const first = new BodyReservation(budget);
  const second = new BodyReservation(budget);
  expect([first.reserve(4), first.reserve(4), second.reserve(4)]).toEqual([true, true, false]);
  first.release();
  first.release();
  expect(second.reserve(10)).toBe(true);
  expect(second.reserve(1)).toBe(false);
});
