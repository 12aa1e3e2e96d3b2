import { ChunkReader } from "./chunks.ts";
import {
  type AskedRequest,
  isInterim,
  MalformedAnswer,
  type ProgramHead,
  parseHead,
} from "./response-head.ts";

export { MalformedAnswer } from "./response-head.ts";

const HEAD_END = Buffer.from("\r\n\r\n");
/** The host holds the heads of services to its own limit, `headerBytesMax`. */
const HEAD_BYTES_MAX = 1024 * 1024;
/** Answers before the last one (1xx) to one request. */
const INTERIM_MAX = 100;
const NO_BYTES = Buffer.alloc(0);

export interface AnswerListener {
  /** `isLast`: the answer has no content. */
  onHead(head: ProgramHead, isLast: boolean): void;
  /** The memory of a piece is used again for the next one. `isLast`: the answer is complete. */
  onContent(piece: Buffer, isLast: boolean): void;
}

/** Reads one answer of a program: finds its head and its content, and its end. Interim answers (1xx) are dropped. */
export class ResponseReader {
  readonly #asked: AskedRequest;
  readonly #listener: AnswerListener;
  /** The beginning of a head whose rest has not arrived. */
  #begun = NO_BYTES;
  #interim = 0;
  #head: ProgramHead | undefined;
  /** Bytes of a sized body that have not arrived. */
  #left = 0;
  #chunks: ChunkReader | undefined;
  isComplete = false;

  constructor(asked: AskedRequest, listener: AnswerListener) {
    this.#asked = asked;
    this.#listener = listener;
  }

  get head(): ProgramHead | undefined {
    return this.#head;
  }

  /** Nothing of the answer has arrived. */
  get isUntouched(): boolean {
    return this.#head === undefined && this.#begun.length === 0 && this.#interim === 0;
  }

  /**
   * Returns the number of bytes that belong to the answer.
   * @throws MalformedAnswer
   */
  push(bytes: Buffer): number {
    let at = 0;
    while (this.#head === undefined) {
      const next = this.#readHead(bytes, at);
      if (next === undefined) return bytes.length;
      at = next;
    }
    if (this.isComplete || at === bytes.length) return at;
    return this.#readContent(this.#head, bytes, at);
  }

  /** The program has ended the connection. @throws MalformedAnswer when the answer is not complete. */
  finish(): void {
    const kind = this.#head?.framing.kind;
    if (kind === "untilClose" || kind === "upgraded") {
      this.isComplete = true;
      this.#listener.onContent(NO_BYTES, true);
    } else if (!this.isComplete) {
      throw new MalformedAnswer("the connection ended before the answer did");
    }
  }

  /** Returns the place after the head; undefined = its rest has not arrived. */
  #readHead(bytes: Buffer, at: number): number | undefined {
    const { length } = this.#begun;
    const arrived = length === 0 ? bytes : Buffer.concat([this.#begun, bytes.subarray(at)]);
    const from = length === 0 ? at : 0;
    const end = arrived.indexOf(HEAD_END, from);
    if ((end === -1 ? arrived.length : end) - from > HEAD_BYTES_MAX) {
      throw new MalformedAnswer(`its head has more than ${HEAD_BYTES_MAX} bytes`);
    }
    if (end === -1) {
      this.#begun = Buffer.from(arrived.subarray(from));
      return undefined;
    }
    this.#begun = NO_BYTES;
    const head = parseHead(arrived.toString("latin1", from, end), this.#asked);
    if (isInterim(head.status)) {
      if (++this.#interim > INTERIM_MAX) throw new MalformedAnswer("it has too many interim heads");
    } else this.#onHead(head);
    return end + HEAD_END.length - length + (length === 0 ? 0 : at);
  }

  #onHead(head: ProgramHead): void {
    this.#head = head;
    const { framing } = head;
    if (framing.kind === "chunked") this.#chunks = new ChunkReader();
    if (framing.kind === "sized") {
      this.#left = framing.bytes;
      this.isComplete = framing.bytes === 0;
    }
    this.#listener.onHead(head, this.isComplete);
  }

  #readContent({ framing }: ProgramHead, bytes: Buffer, at: number): number {
    switch (framing.kind) {
      case "sized": {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        this.isComplete = this.#left === 0;
        this.#listener.onContent(bytes.subarray(at, end), this.isComplete);
        return end;
      }
      case "chunked":
        return this.#readChunks(bytes, at);
      case "untilClose":
      case "upgraded":
        this.#listener.onContent(at === 0 ? bytes : bytes.subarray(at), false);
        return bytes.length;
    }
  }

  #readChunks(bytes: Buffer, from: number): number {
    const chunks = this.#chunks;
    if (chunks === undefined) return from;
    const pieces: Buffer[] = [];
    const at = chunks.read(bytes, from, pieces);
    this.isComplete = chunks.isComplete;
    const last = pieces.pop();
    for (const piece of pieces) this.#listener.onContent(piece, false);
    if (last !== undefined || this.isComplete) {
      this.#listener.onContent(last ?? NO_BYTES, this.isComplete);
    }
    return at;
  }
}
