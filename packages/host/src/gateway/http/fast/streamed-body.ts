const LF = 10;
const CR = 13;
const NOTHING: Buffer = Buffer.alloc(0);

/** The size of a chunk, and extensions that mean nothing to Lever (RFC 9112, 7.1). */
const SIZE_LINE = /^([0-9a-f]{1,13})(?:;[\t -~\x80-\xff]*)?\r\n$/i;
const SIZE_START = /^[0-9a-f]{1,13}(?:;[\t -~\x80-\xff]*)?\r?$/i;
const TRAILER_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n$/;
const EMPTY_LINE = "\r\n";

type Phase = "content" | "chunkEnd" | "size" | "trailers" | "complete" | "malformed";

interface StreamedBodyOptions {
  /** undefined = the body comes in chunks. */
  readonly bytes: number | undefined;
  /** Most bytes of a line with the size of a chunk, and of all trailers. */
  readonly lineBytesMax: number;
}

/** Reads a body that is passed on as it arrives. It stores none of it. */
export class StreamedBody {
  readonly #isChunked: boolean;
  readonly #lineBytesMax: number;
  #phase: Phase;
  /** Bytes of the body, or of the current chunk, that have not arrived. */
  #left: number;
  /** The line between chunks that has arrived in part. */
  #line = "";
  #trailerBytes = 0;
  /** The content among the bytes that were read last: a view of their memory. */
  content: Buffer = NOTHING;

  constructor({ bytes, lineBytesMax }: StreamedBodyOptions) {
    this.#isChunked = bytes === undefined;
    this.#lineBytesMax = lineBytesMax;
    this.#left = bytes ?? 0;
    this.#phase = bytes === undefined ? "size" : bytes === 0 ? "complete" : "content";
  }

  get isComplete(): boolean {
    return this.#phase === "complete";
  }

  get isMalformed(): boolean {
    return this.#phase === "malformed";
  }

  /** Reads bytes, moves the content of several chunks together, and returns how many of the bytes belong to the body. */
  read(bytes: Buffer): number {
    let start = 0;
    let end = 0;
    let at = 0;
    while (at < bytes.length && !this.isComplete && !this.isMalformed) {
      if (this.#phase !== "content") {
        at = this.#readLine(bytes, at);
        continue;
      }
      const from = at;
      at += Math.min(this.#left, bytes.length - at);
      this.#left -= at - from;
      if (this.#left === 0) this.#phase = this.#isChunked ? "chunkEnd" : "complete";
      if (end === start) {
        start = from;
        end = at;
      } else if (end - start < at - from) {
        // The shorter part is moved.
        const moved = from - (end - start);
        bytes.copyWithin(moved, start, end);
        start = moved;
        end = at;
      } else {
        bytes.copyWithin(end, from, at);
        end += at - from;
      }
    }
    this.content = bytes.subarray(start, end);
    return at;
  }

  /** Returns the end of what it has read. */
  #readLine(bytes: Buffer, at: number): number {
    const newline = bytes.indexOf(LF, at);
    const end = newline === -1 ? bytes.length : newline + 1;
    if (this.#line.length + end - at > this.#lineBytesMax) {
      this.#phase = "malformed";
      return at;
    }
    this.#line += bytes.toString("latin1", at, end);
    if (newline === -1) this.#checkStart();
    else {
      const line = this.#line;
      this.#line = "";
      this.#onLine(line);
    }
    return end;
  }

  /** Refuses a malformed line before its end. */
  #checkStart(): void {
    const line = this.#line;
    const isStart =
      this.#phase === "size"
        ? SIZE_START.test(line)
        : this.#phase === "trailers" || line.charCodeAt(0) === CR;
    if (!isStart) this.#phase = "malformed";
  }

  #onLine(line: string): void {
    switch (this.#phase) {
      case "chunkEnd":
        this.#phase = line === EMPTY_LINE ? "size" : "malformed";
        return;
      case "size": {
        const [, digits] = SIZE_LINE.exec(line) ?? [];
        if (digits === undefined) this.#phase = "malformed";
        else {
          this.#left = Number.parseInt(digits, 16);
          this.#phase = this.#left === 0 ? "trailers" : "content";
        }
        return;
      }
      case "trailers":
        this.#trailerBytes += line.length;
        if (line === EMPTY_LINE) this.#phase = "complete";
        else if (!TRAILER_LINE.test(line) || this.#trailerBytes > this.#lineBytesMax) {
          this.#phase = "malformed";
        }
        return;
      case "content":
      case "complete":
      case "malformed":
    }
  }
}
