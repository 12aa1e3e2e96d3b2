import { describe, expect, it } from "vitest";
import { ControlChunks, controlFrames } from "./control-chunks.ts";
import { CHUNK_BYTES, FLAG_MORE } from "./frame.ts";

function chunksOf(
  owner: Partial<ConstructorParameters<typeof ControlChunks>[0]> = {},
): ControlChunks {
  return new ControlChunks({ onMessage: () => {}, countStored: () => true, ...owner });
}

function received(message: Uint8Array): Uint8Array | undefined {
  let last: Uint8Array | undefined;
  const chunks = chunksOf({
    onMessage: (complete) => {
      last = complete;
    },
  });
  for (const [flags, payload] of controlFrames(message)) {
    expect(last).toBeUndefined();
    // As a reader that uses its memory again.
    const memory = payload.slice();
    chunks.add(flags, memory);
    if (flags === FLAG_MORE) memory.fill(0);
  }
  return last;
}

describe("a control message", () => {
  it.each([0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])(
    "of %i bytes arrives as it was sent",
    (bytes) => {
      const message = new Uint8Array(bytes).map((_, index) => index % 251);
      expect(received(message)).toEqual(message);
    },
  );

  it("is not read when a frame before its last one is not full", () => {
    expect(() => chunksOf().add(FLAG_MORE, new Uint8Array(1))).toThrow("has 1 bytes");
  });

  it("is not read when it has more than 16 MiB", () => {
    const chunks = chunksOf();
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let count = 0; count < 256; count++) chunks.add(FLAG_MORE, chunk);
    expect(() => chunks.add(FLAG_MORE, chunk)).toThrow("more than 16777216 bytes");
  });

  it("is not read when the link stores too many bytes", () => {
    let storedBytes = 0;
    const chunks = chunksOf({
      countStored: (bytes) => {
        storedBytes += bytes;
        return storedBytes <= CHUNK_BYTES;
      },
    });
    chunks.add(FLAG_MORE, new Uint8Array(CHUNK_BYTES));
    expect(() => chunks.add(0, new Uint8Array(1))).toThrow("stores too many");
    chunks.drop();
    expect(storedBytes).toBe(0);
  });

  it("that has arrived is no longer counted", () => {
    let storedBytes = 0;
    const chunks = chunksOf({
      countStored: (bytes) => {
        storedBytes += bytes;
        return true;
      },
    });
    chunks.add(FLAG_MORE, new Uint8Array(CHUNK_BYTES));
    expect(storedBytes).toBe(CHUNK_BYTES);
    chunks.add(0, new Uint8Array(1));
    expect(storedBytes).toBe(0);
  });
});
