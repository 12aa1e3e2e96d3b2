import { ArrivingBody } from "@leveros/protocol";
import { newMemory } from "../../new-memory.ts";

const NEWLINE = 10;

/** Splits arriving bytes at newlines, and limits the length of a line. */
export class LineSplitter {
  readonly #lineBytesMax: number;
  /** The line that has arrived in part. */
  #arriving: ArrivingBody<Buffer>;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
    this.#arriving = this.#nextLine();
  }

  /** Bytes of the line that has arrived in part. */
  get pendingBytes(): number {
    return this.#arriving.bytes;
  }

  /** The next complete line, and the rest of the chunk; undefined = the line continues in the next chunk, or is too long. */
  take(chunk: Uint8Array): { line: Uint8Array; rest: Uint8Array } | undefined {
    const end = chunk.indexOf(NEWLINE);
    const part = end === -1 ? chunk : chunk.subarray(0, end);
    if (end !== -1 && this.pendingBytes === 0 && part.length <= this.#lineBytesMax) {
      return { line: withoutReturn(part), rest: chunk.subarray(end + 1) };
    }
    // One byte more makes a line too long, whatever follows.
    this.#arriving.add(part.subarray(0, this.#lineBytesMax + 1 - this.pendingBytes));
    if (end === -1 || this.isTooLong) return undefined;
    return { line: this.takeRest(), rest: chunk.subarray(end + 1) };
  }

  /**
   * Several complete lines, and the rest of the chunk; undefined = the chunk does not begin with a line, has no two, or may
   * have one that is too long.
   */
  takeSeveral(chunk: Uint8Array): { lines: Uint8Array; rest: Uint8Array } | undefined {
    if (this.pendingBytes > 0 || chunk.length > this.#lineBytesMax) return undefined;
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end === 0 || chunk.indexOf(NEWLINE) === end - 1) return undefined;
    return { lines: chunk.subarray(0, end), rest: chunk.subarray(end) };
  }

  /** The bytes after the last newline. */
  takeRest(): Uint8Array {
    const line = this.#arriving.body;
    this.#arriving = this.#nextLine();
    return withoutReturn(line);
  }

  /** True when the current line is over the limit. */
  get isTooLong(): boolean {
    return this.pendingBytes > this.#lineBytesMax;
  }

  #nextLine(): ArrivingBody<Buffer> {
    const bytesMax = this.#lineBytesMax + 1;
    return new ArrivingBody(newMemory, { bytesMax, isLengthKnown: false });
  }
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === 13 ? line.subarray(0, -1) : line;
}
