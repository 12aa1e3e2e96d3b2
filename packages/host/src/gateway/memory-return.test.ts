import { getHeapStatistics } from "node:v8";
import { expect, it } from "vitest";
import { MemoryReturn } from "./memory-return.ts";

const MB = 1024 * 1024;
const externalBytes = (): number => getHeapStatistics().external_memory;

it("a quiet process frees the bodies that nothing uses", () => {
  const memory = new MemoryReturn();
  const held = bytesWhileHeld(64);
  for (let i = 0; i < 4; i++) memory.check();
  expect(externalBytes()).toBeLessThan(held - 56 * MB);
});

/** The memory outside the heap while so many buffers are in use. Other tests of this process may leave garbage there. */
function bytesWhileHeld(count: number): number {
  const buffers = Array.from({ length: count }, () => Buffer.alloc(MB));
  const bytes = externalBytes();
  return buffers.length === count ? bytes : 0;
}
