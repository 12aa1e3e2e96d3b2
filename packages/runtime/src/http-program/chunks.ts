import { MalformedAnswer } from "./response-head.ts";

const CR = 13;
const LF = 10;
const SEMICOLON = 59;
/** Bytes of a chunk's size with its extensions, and of a trailer. */
const LINE_BYTES_MAX = 8 * 1024;
/** Bytes of all trailers. */
const TRAILER_BYTES_MAX = 64 * 1024;
const SIZE_DIGITS_MAX = 12;

type Part =
  /** The line with the size of the next chunk. */
  | "size"
  | "content"
  /** The end of the line after the content. */
  | "contentEnd"
  | "trailer"
  | "end";

/** Finds the content in a body of chunks (RFC 9112, 7.1). Extensions and trailers are dropped. */
export class ChunkReader {
  #part: Part = "size";
  /** Bytes of the current chunk that have not arrived. */
  #left = 0;
  /** The current line so far. */
  #line = "";
  #trailerBytes = 0;

  get isComplete(): boolean {
    return this.#part === "end";
  }

  /**
   * Reads bytes from a place on, and adds pieces of content. Returns the place after the last byte that belongs to the body.
   * @throws MalformedAnswer
   */
  read(bytes: Buffer, from: number, pieces: Buffer[]): number {
    let at = from;
    while (at < bytes.length && this.#part !== "end") {
      if (this.#part === "content") {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        if (this.#left === 0) this.#part = "contentEnd";
        pieces.push(bytes.subarray(at, end));
        at = end;
      } else at = this.#readLine(bytes, at);
    }
    return at;
  }

  #readLine(bytes: Buffer, at: number): number {
    const feed = bytes.indexOf(LF, at);
    const end = feed === -1 ? bytes.length : feed;
    if (this.#line.length + end - at > LINE_BYTES_MAX) {
      throw new MalformedAnswer("a line of its chunks is too long");
    }
    this.#line += bytes.toString("latin1", at, end);
    if (feed === -1) return bytes.length;
    const line = this.#line;
    this.#line = "";
    if (line.charCodeAt(line.length - 1) !== CR) {
      throw new MalformedAnswer("a line of its chunks does not end in CR and LF");
    }
    this.#onLine(line.slice(0, -1));
    return feed + 1;
  }

  #onLine(line: string): void {
    switch (this.#part) {
      case "size":
        this.#left = sizeOf(line);
        this.#part = this.#left === 0 ? "trailer" : "content";
        return;
      case "contentEnd":
        if (line !== "") throw new MalformedAnswer("one of its chunks is longer than its size");
        this.#part = "size";
        return;
      case "trailer":
        if (line === "") this.#part = "end";
        this.#trailerBytes += line.length;
        if (this.#trailerBytes > TRAILER_BYTES_MAX) {
          throw new MalformedAnswer("its trailers are too long");
        }
        return;
      case "content":
      case "end":
        return;
    }
  }
}

function sizeOf(line: string): number {
  let end = line.indexOf(String.fromCharCode(SEMICOLON));
  if (end === -1) end = line.length;
  const digits = line.slice(0, end).trimEnd();
  if (!/^[\da-f]+$/i.test(digits) || digits.length > SIZE_DIGITS_MAX) {
    throw new MalformedAnswer(`the size of a chunk is ${JSON.stringify(line.slice(0, 100))}`);
  }
  return Number.parseInt(digits, 16);
}
