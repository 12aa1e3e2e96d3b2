import { SMALL_BODY_BYTES } from "@leveros/protocol";
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

const LARGE = SMALL_BODY_BYTES + 1;

it("a body holds what has arrived of it, and releases it once", () => {
  const budget = new BodyBudget(2 * LARGE);
  const first = new BodyReservation(budget);
  const second = new BodyReservation(budget);
  expect([first.hold(LARGE), first.hold(LARGE + 1), first.hold(LARGE + 1)]).toEqual([
    true,
    true,
    true,
  ]);
  expect(second.hold(LARGE)).toBe(false);
  first.release();
  first.release();
  expect(second.hold(2 * LARGE)).toBe(true);
  expect(second.hold(2 * LARGE + 1)).toBe(false);
});

it("a small body is accepted when large ones have used the whole budget", () => {
  const budget = new BodyBudget(LARGE);
  expect(new BodyReservation(budget).hold(LARGE)).toBe(true);
  const small = new BodyReservation(budget);
  expect([small.hold(1), small.hold(SMALL_BODY_BYTES), small.hold(LARGE)]).toEqual([
    true,
    true,
    false,
  ]);
});
