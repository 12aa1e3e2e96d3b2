const NEWLINE = 10;

/** Splits arriving bytes at newlines, and limits the length of a line. */
export class LineSplitter {
  readonly #lineBytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** The next complete line, and the rest of the chunk; undefined = the line continues in the next chunk. */
  take(chunk: Uint8Array): { line: Uint8Array; rest: Uint8Array } | undefined {
    const end = chunk.indexOf(NEWLINE);
    this.#add(end === -1 ? chunk : chunk.subarray(0, end));
    return end === -1 ? undefined : { line: this.takeRest(), rest: chunk.subarray(end + 1) };
  }

  /** The bytes after the last newline. */
  takeRest(): Uint8Array {
    const [only] = this.#parts;
    const line =
      this.#parts.length === 1 && only !== undefined
        ? only
        : Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    return line.at(-1) === 13 ? line.subarray(0, -1) : line;
  }

  /** True when the current line is over the limit. */
  get isTooLong(): boolean {
    return this.#bytes > this.#lineBytesMax;
  }

  #add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
  }
}
