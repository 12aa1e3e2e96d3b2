import { expect, it } from "vitest";
import { BodyBuffers } from "./body-buffers.ts";

const MB = 1024 * 1024;

it("a released buffer is used again, and never twice at once", () => {
  const buffers = new BodyBuffers();
  const [first, second] = [buffers.acquire(900_000), buffers.acquire(1_000_000)];
  expect(first).not.toBe(second);
  expect(first.length).toBeGreaterThanOrEqual(900_000);
  buffers.release(first);
  expect(buffers.acquire(2 * MB)).not.toBe(first);
  expect(buffers.acquire(1_000_000)).toBe(first);
  expect(buffers.acquire(1_000_000)).not.toBe(first);
});

it("a buffer is as large as its body, to the byte", () => {
  const buffers = new BodyBuffers();
  for (const bytes of [1, 65_535, 65_536, 65_537, MB, MB + 1, 4 * MB]) {
    expect(buffers.acquire(bytes).length).toBeGreaterThanOrEqual(bytes);
  }
});

it("unused buffers are bounded, and small ones are not kept", () => {
  const buffers = new BodyBuffers();
  const all = Array.from({ length: 40 }, () => buffers.acquire(MB));
  const small = buffers.acquire(1_000);
  for (const buffer of [...all, small]) buffers.release(buffer);
  const again = Array.from({ length: 40 }, () => buffers.acquire(MB));
  expect(again.filter((buffer) => all.includes(buffer))).toHaveLength(16);
  expect(buffers.acquire(1_000)).not.toBe(small);
});

it("buffers that were not needed since the last time are freed", () => {
  const buffers = new BodyBuffers();
  const all = Array.from({ length: 8 }, () => buffers.acquire(MB));
  for (const buffer of all) buffers.release(buffer);
  buffers.shrink();
  // Two are needed at once from now on.
  const two = [buffers.acquire(MB), buffers.acquire(MB)];
  for (const buffer of two) buffers.release(buffer);
  buffers.shrink();
  const kept = Array.from({ length: 8 }, () => buffers.acquire(MB)).filter((buffer) =>
    all.includes(buffer),
  );
  expect(kept).toHaveLength(2);
});
