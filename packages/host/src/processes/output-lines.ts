/** Longest line of the log. The rest of a longer one is not stored. */
const LINE_CHARS_MAX = 1_000;
/** A character has at most four bytes. */
const LINE_BYTES_MAX = 4 * LINE_CHARS_MAX;
const NEWLINE = 10;

/** Cuts one stream of output into lines, of any length and wherever its chunks end. Its memory is bounded. */
export class OutputLines {
  readonly #onLine: (line: string) => void;
  /** The beginning of the unfinished line. */
  #parts: Buffer[] = [];
  #storedBytes = 0;
  /** The size of the unfinished line, with the bytes that are not stored. */
  #lineBytes = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end));
      this.#finishLine();
      start = end + 1;
    }
    this.#add(chunk.subarray(start));
  }

  /** Must be called when the stream has ended: an unfinished line becomes a line. */
  end(): void {
    if (this.#lineBytes > 0) this.#finishLine();
  }

  #add(part: Buffer): void {
    this.#lineBytes += part.length;
    const stored = part.subarray(0, LINE_BYTES_MAX - this.#storedBytes);
    if (stored.length === 0) return;
    this.#storedBytes += stored.length;
    // A copy: the chunk may be much larger.
    this.#parts.push(Buffer.from(stored));
  }

  #finishLine(): void {
    const text = Buffer.concat(this.#parts).toString("utf8");
    const lineBytes = this.#lineBytes;
    this.#parts = [];
    this.#storedBytes = 0;
    this.#lineBytes = 0;
    const isWhole = lineBytes <= LINE_BYTES_MAX && text.length <= LINE_CHARS_MAX;
    this.#onLine(isWhole ? text : `${firstChars(text)}… (cut: the line has ${lineBytes} bytes)`);
  }
}

/** Does not end amid a surrogate pair. */
function firstChars(text: string): string {
  return text.slice(0, LINE_CHARS_MAX).replace(/[\uD800-\uDBFF]$/, "");
}
