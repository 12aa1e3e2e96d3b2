const NEWLINE = 10;

/** Cuts arriving bytes at newlines, with a bound on what one line may hold. */
export class LineSplitter {
  readonly #lineBytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** The next whole line of a chunk and what follows it; undefined = the line goes on in the next chunk. */
  take(chunk: Uint8Array): { line: Uint8Array; rest: Uint8Array } | undefined {
    const end = chunk.indexOf(NEWLINE);
    this.#keep(end === -1 ? chunk : chunk.subarray(0, end));
    return end === -1 ? undefined : { line: this.takeRest(), rest: chunk.subarray(end + 1) };
  }

  /** What came after the last newline; empty when nothing did. */
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

  /** True when the line that is being read is longer than a line may be. */
  get isTooLong(): boolean {
    return this.#bytes > this.#lineBytesMax;
  }

  #keep(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
  }
}
