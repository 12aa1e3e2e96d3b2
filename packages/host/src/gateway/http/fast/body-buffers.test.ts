import { expect, it } from "vitest";
import { BodyMemory } from "./body-buffers.ts";

const MB = 1024 * 1024;

it("gives memory of the same size again, and never to two at once", () => {
  const memory = new BodyMemory();
  const [first, second] = [memory.take(900_000), memory.take(1_000_000)];
  expect(first).not.toBe(second);
  expect(first.length).toBeGreaterThanOrEqual(900_000);
  memory.give(first);
  expect(memory.take(2 * MB)).not.toBe(first);
  expect(memory.take(1_000_000)).toBe(first);
  expect(memory.take(1_000_000)).not.toBe(first);
});

it("is as large as the body, to the last byte", () => {
  const memory = new BodyMemory();
  for (const bytes of [1, 65_535, 65_536, 65_537, MB, MB + 1, 4 * MB]) {
    expect(memory.take(bytes).length).toBeGreaterThanOrEqual(bytes);
  }
});

it("keeps a bounded amount, and no small ones", () => {
  const memory = new BodyMemory();
  const all = Array.from({ length: 40 }, () => memory.take(MB));
  const small = memory.take(1_000);
  for (const buffer of [...all, small]) memory.give(buffer);
  const again = Array.from({ length: 40 }, () => memory.take(MB));
  expect(again.filter((buffer) => all.includes(buffer))).toHaveLength(16);
  expect(memory.take(1_000)).not.toBe(small);
});

it("lets go of what has not been needed for a while", () => {
  const memory = new BodyMemory();
  const all = Array.from({ length: 8 }, () => memory.take(MB));
  for (const buffer of all) memory.give(buffer);
  memory.shrink();
  // Two are needed at once from now on.
  const two = [memory.take(MB), memory.take(MB)];
  for (const buffer of two) memory.give(buffer);
  memory.shrink();
  const kept = Array.from({ length: 8 }, () => memory.take(MB)).filter((buffer) =>
    all.includes(buffer),
  );
  expect(kept).toHaveLength(2);
});
