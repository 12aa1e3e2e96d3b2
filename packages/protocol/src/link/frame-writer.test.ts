import { expect, it } from "vitest";
import { HEADER_BYTES, MESSAGE } from "./frame.ts";
import { FrameWriter } from "./frame-writer.ts";

const bytesOf = (parts: readonly Uint8Array[]): number =>
  parts.reduce((sum, { length }) => sum + length, 0);

it("small frames are collected in one part", () => {
  const writer = new FrameWriter(undefined);
  for (let id = 0; id < 100; id++) writer.push(MESSAGE, 0, id, new Uint8Array(10));
  const parts = writer.take();
  expect([parts.length, bytesOf(parts)]).toEqual([1, 100 * (HEADER_BYTES + 10)]);
});

it("take returns each byte once", () => {
  const writer = new FrameWriter(undefined);
  writer.push(MESSAGE, 0, 1, new Uint8Array(10));
  expect(bytesOf(writer.take())).toBe(HEADER_BYTES + 10);
  expect(writer.take()).toEqual([]);
});

it("a payload over 4 KiB is written without a copy", () => {
  const writer = new FrameWriter(undefined);
  const [small, large] = [new Uint8Array(4 * 1024), new Uint8Array(4 * 1024 + 1)];
  expect(writer.push(MESSAGE, 0, 1, small)).toBe(true);
  expect(writer.push(MESSAGE, 0, 1, large)).toBe(false);
  expect(writer.take().at(-1)).toBe(large);
});

it("the head precedes the body, and both count as the payload", () => {
  const writer = new FrameWriter(undefined);
  writer.push(MESSAGE, 0, 1, new Uint8Array([3, 4]), { head: new Uint8Array([1, 2]) });
  const [frame] = writer.take();
  expect(frame?.[0]).toBe(4);
  expect([...(frame?.subarray(HEADER_BYTES) ?? [])]).toEqual([1, 2, 3, 4]);
});

it("memory that was written is used again, unless more was added to it", () => {
  const writer = new FrameWriter(undefined);
  const push = (): void => void writer.push(MESSAGE, 0, 1, Buffer.from("text"));
  push();
  const [first] = writer.take();
  writer.reuse();
  push();
  const [second] = writer.take();
  expect(second?.byteOffset).toBe(first?.byteOffset);
  push();
  writer.reuse();
  push();
  const [third] = writer.take();
  expect(third?.byteOffset).toBe(second?.byteLength);
  expect(third?.length).toBe(2 * (second?.length ?? 0));
});
