import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const MB = 1024 * 1024;

interface Measured {
  /** Bytes while something is in use. */
  readonly held: number;
  /** Bytes after the process was quiet. */
  readonly left: number;
}

it("a quiet process frees the bodies that nothing uses", async () => {
  const { held, left } = await measure(`
    const bytes = () => getHeapStatistics().external_memory;
    let bodies = Array.from({ length: 64 }, () => Buffer.alloc(${MB}));
    const held = bytes();
    bodies = undefined;
    for (let i = 0; i < 4; i++) memory.check();
    // Another thread of V8 frees the memory of buffers after the collection.
    const deadline = Date.now() + 10_000;
    while (bytes() > held - ${56 * MB} && Date.now() < deadline) await setImmediate();
    console.log(JSON.stringify({ held, left: bytes() }));`);
  expect(left).toBeLessThan(held - 56 * MB);
});

it("a process that is quiet for long returns the parts of the heap that nothing uses", async () => {
  const { held, left } = await measure(`
    const bytes = () => getHeapStatistics().total_heap_size;
    let objects = Array.from({ length: 600_000 }, (_, index) => ({ index, list: [index] }));
    const held = bytes();
    objects = undefined;
    for (let i = 0; i < 21; i++) memory.check();
    console.log(JSON.stringify({ held, left: bytes() }));`);
  expect(left).toBeLessThan(held - 16 * MB);
});

/** Runs a program with `memory` in a process of its own: the heap of this one has what other tests have left. */
async function measure(program: string): Promise<Measured> {
  const module = new URL("memory-return.ts", import.meta.url).href;
  const source = `
    import { setImmediate } from "node:timers/promises";
    import { getHeapStatistics } from "node:v8";
    import { MemoryReturn } from ${JSON.stringify(module)};
    const memory = new MemoryReturn();
    ${program}`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=lever-source",
    "--input-type=module",
    "--eval",
    source,
  ]);
  return JSON.parse(stdout) as Measured;
}
