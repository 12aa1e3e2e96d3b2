import { getHeapStatistics } from "node:v8";
import { beforeEach, expect, it } from "vitest";
import { collectGarbage } from "./buffer-garbage.ts";
import { MemoryReturn } from "./memory-return.ts";

const MB = 1024 * 1024;
// The second collection waits until the first one has freed the buffers of other tests.
beforeEach(() => {
  collectGarbage({ type: "major" });
  collectGarbage({ type: "major" });
});

const externalBytes = (): number => getHeapStatistics().external_memory;

it("a quiet process frees the bodies that nothing uses", () => {
  const memory = new MemoryReturn();
  const held = bytesWhileHeld(64);
  for (let i = 0; i < 4; i++) memory.check();
  expect(externalBytes()).toBeLessThan(held - 56 * MB);
});

it("a process that is quiet for long returns the parts of the heap that nothing uses", () => {
  const memory = new MemoryReturn();
  const held = heapBytesWhileHeld(600_000);
  for (let i = 0; i < 21; i++) memory.check();
  expect(getHeapStatistics().total_heap_size).toBeLessThan(held - 16 * MB);
});

/** The size of the heap while so many objects are in use. */
function heapBytesWhileHeld(count: number): number {
  const objects = Array.from({ length: count }, (_, index) => ({ index, list: [index] }));
  const bytes = getHeapStatistics().total_heap_size;
  return objects.length === count ? bytes : 0;
}

/** The memory outside the heap while so many buffers are in use. Other tests of this process may leave garbage there. */
function bytesWhileHeld(count: number): number {
  const buffers = Array.from({ length: count }, () => Buffer.alloc(MB));
  const bytes = externalBytes();
  return buffers.length === count ? bytes : 0;
}
