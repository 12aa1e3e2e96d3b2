import { ENHANCE_YOUR_CALM, Http2Error } from "./frame.ts";

/** A header block may have so many times the bytes of the fields in it: no text grows more by its coding. */
const BLOCK_GROWTH = 4;
/** A frame counts at least so many bytes of its block (CVE-2024-27316). */
const FRAME_BYTES_MIN = 1024;

/** A header block whose end has not arrived. */
export class PartialHeaders {
  readonly id: number;
  readonly isEnd: boolean;
  readonly #bytesMax: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(id: number, isEnd: boolean, headerBytesMax: number) {
    this.id = id;
    this.isEnd = isEnd;
    this.#bytesMax = headerBytesMax * BLOCK_GROWTH;
  }

  /** @throws Http2Error when the block is too long. */
  add(part: Buffer): void {
    this.#bytes += Math.max(part.length, FRAME_BYTES_MIN);
    if (this.#bytes > this.#bytesMax) {
      throw new Http2Error(ENHANCE_YOUR_CALM, "headers are too long");
    }
    if (part.length > 0) this.#parts.push(Buffer.from(part));
  }

  get block(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
