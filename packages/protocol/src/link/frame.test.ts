import { expect, it } from "vitest";
import { sameBytes } from "../../../../tests/harness/joined-links.ts";
import { seededRandom } from "../../../../tests/harness/seeded-random.ts";
import {
  CHUNK_BYTES,
  decodeCredit,
  encodeCredit,
  FLAG_MORE,
  type FrameHeader,
  FrameReader,
  HEADER_BYTES,
  MESSAGE,
  writeHeader,
} from "./frame.ts";

interface Frame {
  readonly header: FrameHeader;
  readonly payload: Uint8Array;
}

function encodeFrame(frame: Frame): Uint8Array {
  const { type, flags, id, chunks, payloadBytes, slot } = frame.header;
  const bytes = new Uint8Array(HEADER_BYTES + frame.payload.length);
  writeHeader(new DataView(bytes.buffer), 0, payloadBytes, type, flags, chunks, id, slot);
  bytes.set(frame.payload, HEADER_BYTES);
  return bytes;
}

function frameOf(payload: Uint8Array, changes: Partial<FrameHeader> = {}): Frame {
  const payloadBytes = payload.length;
  const header = { type: MESSAGE, flags: 0, id: 7, chunks: 0, payloadBytes, slot: 0, ...changes };
  return { header, payload };
}

/** Reads bytes that arrive in these pieces; with `isBorrowed` each piece is overwritten once it has been read. */
function readPieces(pieces: readonly Uint8Array[], isBorrowed = false): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader({
    isBorrowed,
    onFrame: (header, payload) => frames.push({ header, payload }),
    place: () => undefined,
    readSlot: (slot, target) => target.fill(slot),
  });
  for (const piece of pieces) {
    // As sockets do. The `slice` of a `Buffer` does not copy.
    const pushed = Buffer.from(piece);
    reader.push(pushed);
    if (isBorrowed) pushed.fill(0xaa);
  }
  return frames;
}

it.each([false, true])(
  "frames are the same however their bytes are split (borrowed: %s)",
  (isBorrowed) => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed);
      const frames = Array.from({ length: 20 }, (_, id) => {
        const payload = new Uint8Array(Math.floor(random() ** 3 * 30_000)).fill(id + 1);
        return frameOf(payload, { id, flags: random() < 0.3 ? FLAG_MORE : 0, chunks: id });
      });
      const bytes = Buffer.concat(frames.map(encodeFrame));
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = at + 1 + Math.floor(random() ** 4 * 40_000);
        pieces.push(bytes.subarray(at, end));
        at = end;
      }
      const read = readPieces(pieces, isBorrowed);
      expect(read.map(({ header }) => header)).toEqual(frames.map(({ header }) => header));
      const same = read.filter(({ payload }, at) => sameBytes(frames[at]?.payload, payload));
      expect(same.length, `seed ${seed}`).toBe(frames.length);
    }
  },
);

it("a complete frame is a view of the received bytes", () => {
  const frames: Uint8Array[] = [];
  const reader = new FrameReader({
    isBorrowed: false,
    onFrame: (_header, payload) => frames.push(payload),
    place: () => undefined,
    readSlot() {},
  });
  const bytes = encodeFrame(frameOf(new Uint8Array(100)));
  reader.push(bytes);
  expect(frames[0]?.buffer).toBe(bytes.buffer);
});

it("a chunk of a message is written to the memory that place returns", () => {
  const target = new Uint8Array(5);
  const frames: Uint8Array[] = [];
  const reader = new FrameReader({
    isBorrowed: false,
    onFrame: (_header, payload) => frames.push(payload),
    place: () => target,
    readSlot() {},
  });
  reader.push(encodeFrame(frameOf(new Uint8Array([1, 2, 3, 4, 5]), { flags: FLAG_MORE })));
  expect(frames[0]).toBe(target);
  expect([...target]).toEqual([1, 2, 3, 4, 5]);
});

it("a payload in a slot is copied from shared memory", () => {
  const header = frameOf(new Uint8Array(0), { slot: 9, payloadBytes: 3 });
  const [frame] = readPieces([encodeFrame(header)]);
  expect([...(frame?.payload ?? [])]).toEqual([9, 9, 9]);
});

it("a frame over the limit is an error before its payload arrives", () => {
  const header = frameOf(new Uint8Array(0), { payloadBytes: 3 * CHUNK_BYTES });
  expect(() => readPieces([encodeFrame(header)])).toThrow(
    `Cannot read a frame: its payload of ${3 * CHUNK_BYTES} bytes is over the limit.`,
  );
});

it("a credit is decoded as it was encoded, and only from four bytes", () => {
  for (const bytes of [0, 1, 65_536, 0xffff_ffff]) {
    expect(decodeCredit(encodeCredit(bytes))).toBe(bytes);
  }
  expect(() => decodeCredit(new Uint8Array(3))).toThrow("Cannot read credit");
});
