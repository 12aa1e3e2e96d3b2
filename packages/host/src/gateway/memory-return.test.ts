import { getHeapStatistics } from "node:v8";
import { expect, it } from "vitest";
import { MemoryReturn } from "./memory-return.ts";

const MB = 1024 * 1024;
const externalBytes = (): number => getHeapStatistics().external_memory;

it("a quiet process frees the bodies that nothing uses", () => {
  const memory = new MemoryReturn();
  const before = externalBytes();
  allocate(64);
  expect(externalBytes()).toBeGreaterThan(before + 60 * MB);
  for (let i = 0; i < 4; i++) memory.check();
  expect(externalBytes()).toBeLessThan(before + 8 * MB);
});

function allocate(count: number): void {
  for (let i = 0; i < count; i++) Buffer.alloc(MB);
}
