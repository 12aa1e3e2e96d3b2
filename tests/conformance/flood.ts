import { createHash } from "node:crypto";
import { eventually } from "../harness/eventually.ts";
import { CHUNK_BYTES, chunk } from "./cases.ts";

/** Several times as many bytes as the buffers on the longest way were seen to take: 25 MB, and more on other machines. */
export const UNREAD_CHUNKS = 2_048;
/** A sender whose bytes nobody reads waits before it has sent so many. */
export const WAITS_BELOW_BYTES: number = (UNREAD_CHUNKS * CHUNK_BYTES) / 2;

/** The chunks of a flood of bytes, each with other contents. `onChunk` is called with each one that is taken. */
export function* flood(chunks: number, onChunk: () => void = () => {}): Generator<Buffer> {
  for (let index = 0; index < chunks; index++) {
    onChunk();
    yield chunk(index);
  }
}

const hashes = new Map<number, string>();

export function hashOfFlood(chunks: number): string {
  const found = hashes.get(chunks) ?? hashOf(flood(chunks));
  hashes.set(chunks, found);
  return found;
}

function hashOf(parts: Iterable<Buffer>): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

export async function hashOfStream(parts: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** Turns of 20 ms in which a number stays the same. */
const SETTLED_TURNS = 5;

/** Waits until a number does not change any more, and returns it. */
export async function settled(read: () => number | Promise<number>): Promise<number> {
  let last = -1;
  let turns = 0;
  return await eventually(
    async () => {
      const now = await read();
      turns = now === last ? turns + 1 : 0;
      last = now;
      return turns === SETTLED_TURNS ? now : undefined;
    },
    { everyMs: 20 },
  );
}
