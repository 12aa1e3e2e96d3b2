import { expect, it } from "vitest";
import { CHUNK_BYTES } from "./frame.ts";
import { chunksAfterFirst, PartialMessage } from "./partial-message.ts";

const chunk = (value: number, bytes: number = CHUNK_BYTES): Uint8Array =>
  new Uint8Array(bytes).fill(value);

it("the chunks of a message are joined in order", () => {
  const message = new PartialMessage(3 * CHUNK_BYTES);
  message.add(chunk(1));
  message.add(chunk(2));
  const bytes = message.complete(chunk(3, 10));
  expect([bytes.length, bytes[0], bytes[CHUNK_BYTES], bytes.at(-1)]).toEqual([
    2 * CHUNK_BYTES + 10,
    1,
    2,
    3,
  ]);
});

it("a chunk that was written to its place is not copied again", () => {
  const message = new PartialMessage(2 * CHUNK_BYTES);
  const place = message.place(CHUNK_BYTES) ?? chunk(0);
  place.fill(7);
  message.add(place);
  expect(message.receivedBytes).toBe(CHUNK_BYTES);
  expect(message.complete(chunk(8, 1))[0]).toBe(7);
});

it("a chunk beyond the announced length has no place", () => {
  const message = new PartialMessage(CHUNK_BYTES + 5);
  message.add(chunk(1));
  expect(message.place(5)?.length).toBe(5);
  expect(message.place(6)).toBeUndefined();
});

it("a chunk before the last must be full", () => {
  const message = new PartialMessage(3 * CHUNK_BYTES);
  expect(() => message.add(chunk(1, CHUNK_BYTES - 1))).toThrow("a chunk before the last has 65535");
});

it("a message cannot have more chunks than announced", () => {
  const message = new PartialMessage(2 * CHUNK_BYTES);
  message.add(chunk(1));
  expect(() => message.add(chunk(2))).toThrow("was not announced");
  expect(() => message.complete(chunk(2, CHUNK_BYTES + 1))).toThrow("longer than its first frame");
});

it.each([
  [CHUNK_BYTES + 1, 1],
  [2 * CHUNK_BYTES, 1],
  [2 * CHUNK_BYTES + 1, 2],
])("a message of %i bytes has %i chunks after the first", (bytes, chunks) => {
  expect(chunksAfterFirst(bytes)).toBe(chunks);
});
