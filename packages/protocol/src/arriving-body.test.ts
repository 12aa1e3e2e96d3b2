import { expect, it } from "vitest";
import { ArrivingBody, type BodyMemory } from "./arriving-body.ts";

const MB = 1024 * 1024;
const released: Buffer[] = [];
const newMemory: BodyMemory<Buffer> = {
  empty: Buffer.alloc(0),
  acquire: (bytes) => Buffer.alloc(bytes),
  release: (buffer) => released.push(buffer),
};

it("a body in pieces is what the pieces are, in any sizes", () => {
  for (const sizes of [[], [1], [0, 3], [4_095, 1, 1], [40_000, 1, 70_000], [1, 1, 2 * MB]]) {
    for (const isLengthKnown of [true, false]) {
      const pieces = sizes.map((size, index) => Buffer.alloc(size, 97 + index));
      const bytesMax = sizes.reduce((sum, size) => sum + size, 0);
      const arriving = new ArrivingBody(newMemory, { bytesMax, isLengthKnown });
      for (const piece of pieces) arriving.add(piece);
      expect(arriving.body.equals(Buffer.concat(pieces))).toBe(true);
    }
  }
});

it("the memory of a body follows what has arrived", () => {
  const arriving = new ArrivingBody(newMemory, { bytesMax: 4 * MB, isLengthKnown: true });
  expect(arriving.memory.length).toBe(0);
  arriving.add(Buffer.alloc(1));
  expect(arriving.memory.length).toBe(4_096);
  arriving.add(Buffer.alloc(5_000));
  expect(arriving.memory.length).toBe(16_384);
  arriving.add(Buffer.alloc(30_000));
  expect(arriving.memory.length).toBe(4 * MB);
});

it("the memory of a body of unknown length is at most four times what has arrived", () => {
  const arriving = new ArrivingBody(newMemory, { bytesMax: 4 * MB, isLengthKnown: false });
  for (let arrived = 0; arrived < 4 * MB; arrived += 65_536) {
    arriving.add(Buffer.alloc(65_536));
    expect(arriving.memory.length).toBeLessThanOrEqual(4 * arriving.bytes);
  }
  expect(arriving.memory.length).toBe(4 * MB);
});

it("the memory of a short body is no larger than the body", () => {
  const arriving = new ArrivingBody(newMemory, { bytesMax: 10, isLengthKnown: true });
  arriving.add(Buffer.from("a"));
  expect(arriving.memory.length).toBe(10);
});

it("memory that a body has outgrown is released", () => {
  const arriving = new ArrivingBody(newMemory, { bytesMax: MB, isLengthKnown: false });
  arriving.add(Buffer.alloc(60_000));
  const outgrown = arriving.memory;
  arriving.add(Buffer.alloc(60_000));
  expect(released.at(-1)).toBe(outgrown);
});
