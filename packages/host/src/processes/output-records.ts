import {
  FRAME_HEADER_BYTES_MAX,
  FRAME_START,
  FRAME_TEXT,
  type FrameHeader,
  type LogLevel,
  parseFrame,
} from "@leveros/protocol";
import { BoundedBytes } from "./bounded-bytes.ts";

const NEWLINE = 10;
const BRACE = 123;
/** The last lines of a chunk that may be the last words of the process. */
const LINES_KEPT = 20;
/** Loggers write the level near the beginning of a line of JSON. */
const JSON_HEAD_BYTES = 300;

/** One write of a process, or one line. */
export interface PrintedRecord {
  readonly level: LogLevel;
  /** The call that printed it; `""` = none. */
  readonly call: string;
  /** The beginning of its text, without the line break at its end. It may be a part of a larger buffer. */
  readonly text: Buffer;
  /** The size of the complete text. */
  readonly bytes: number;
}

export interface RecordsOptions {
  /** The level of lines that do not have one. */
  readonly level: LogLevel;
  /** The rest of a longer text is not stored. */
  readonly recordBytesMax: number;
  readonly onRecord: (record: PrintedRecord) => void;
  /** The instance has dropped records that were not read in time. */
  /** True while records are dropped, except for errors and the last ones. */
  readonly isDropping: () => boolean;
  readonly onDropped: (dropped: { readonly records: number; readonly bytes: number }) => void;
}

/** A frame whose text has not ended. */
interface OpenFrame {
  readonly header: FrameHeader;
  leftBytes: number;
}

/**
 * Cuts one stream of output into records, wherever its chunks end: each frame is one (protocol/output-frame.ts), and each line
 * outside of frames. A frame without a line break at its end goes on in the next one of the same call. Its memory is bounded.
 */
export class OutputRecords {
  readonly #options: RecordsOptions;
  /** The unfinished line outside of frames. */
  readonly #line: BoundedBytes;
  /** The text of the frame that is read, or of frames without a line break. */
  readonly #text: BoundedBytes;
  #frame: OpenFrame | undefined;
  /** The level and call of `#text`, when it waits for the next frame. */
  #unfinished: FrameHeader | undefined;
  /** The beginning of a header whose end has not come. */
  #header: Buffer | undefined;

  constructor(options: RecordsOptions) {
    this.#options = options;
    this.#line = new BoundedBytes(options.recordBytesMax);
    this.#text = new BoundedBytes(options.recordBytesMax);
  }

  push(pushed: Buffer): void {
    const chunk = this.#header === undefined ? pushed : Buffer.concat([this.#header, pushed]);
    this.#header = undefined;
    let start = this.#frame === undefined ? chunk.indexOf(FRAME_START) : -1;
    let at = start === -1 && this.#frame === undefined ? this.#skip(chunk) : 0;
    while (at < chunk.length) {
      if (this.#frame !== undefined) {
        at = this.#readText(this.#frame, chunk, at);
        start = chunk.indexOf(FRAME_START, at);
      } else if (at === start) {
        const next = this.#readHeader(chunk, at);
        if (next === undefined) return;
        at = next;
        if (this.#frame === undefined) start = chunk.indexOf(FRAME_START, at);
      } else {
        at = this.#readLine(chunk, at, start === -1 ? chunk.length : start);
      }
    }
  }

  /** While records are dropped, only the last lines of a chunk matter, and the number of others. Returns where they begin. */
  #skip(chunk: Buffer): number {
    if (!this.#options.isDropping() || chunk.includes(BRACE)) return 0;
    let end = chunk.length;
    for (let lines = 0; lines <= LINES_KEPT && end > 0; lines++) {
      end = chunk.lastIndexOf(NEWLINE, end - 1);
    }
    if (end <= 0) return 0;
    let records = 0;
    for (let at = 0; at <= end; at++) if (chunk[at] === NEWLINE) records++;
    const bytes = this.#line.take().bytes + end + 1;
    this.#options.onDropped({ records, bytes });
    return end + 1;
  }

  /** Text waits for the line break that ends it. */
  get isUnfinished(): boolean {
    return this.#unfinished !== undefined;
  }

  /** Ends a text that waits for its line break. */
  finishText(): void {
    const header = this.#unfinished;
    if (header !== undefined && this.#frame === undefined) this.#emitText(header);
  }

  /** Must be called when the stream has ended: what is unfinished becomes a record. */
  end(): void {
    const header = this.#frame?.header ?? this.#unfinished;
    if (header !== undefined) this.#emitText(header);
    this.#frame = undefined;
    if (this.#header !== undefined) this.#line.add(this.#header);
    this.#header = undefined;
    if (this.#line.bytes > 0) this.#emitLine();
  }

  /** Returns where the line, or the part of it before `end`, ends. */
  #readLine(chunk: Buffer, at: number, end: number): number {
    const newline = chunk.indexOf(NEWLINE, at);
    const isWhole = newline !== -1 && newline < end;
    const lineEnd = isWhole ? newline : end;
    if (isWhole && this.#line.bytes === 0) {
      this.#emitPlain(chunk.subarray(at, lineEnd), lineEnd - at);
      return lineEnd + 1;
    }
    this.#line.add(chunk.subarray(at, lineEnd));
    if (!isWhole) return end;
    this.#emitLine();
    return lineEnd + 1;
  }

  /** Returns where the text begins. undefined = the rest of the header is still to come. */
  #readHeader(chunk: Buffer, at: number): number | undefined {
    const textMark = chunk.indexOf(FRAME_TEXT, at);
    if (textMark === -1 && chunk.length - at < FRAME_HEADER_BYTES_MAX) {
      // A copy: the chunk may be much larger.
      this.#header = Buffer.from(chunk.subarray(at));
      return undefined;
    }
    const header =
      textMark === -1 || textMark - at > FRAME_HEADER_BYTES_MAX
        ? undefined
        : parseFrame(chunk.toString("latin1", at + 1, textMark));
    if (header === undefined) {
      // The byte itself is output of the service.
      this.#line.add(chunk.subarray(at, at + 1));
      return at + 1;
    }
    const unfinished = this.#unfinished;
    if (unfinished !== undefined && !continues(unfinished, header)) this.#emitText(unfinished);
    this.#frame = { header, leftBytes: header.bytes };
    if (header.bytes === 0) this.#endFrame(header);
    return textMark + 1;
  }

  /** Returns where the part of the text in this chunk ends. */
  #readText(frame: OpenFrame, chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + frame.leftBytes);
    frame.leftBytes -= end - at;
    if (frame.leftBytes > 0) {
      this.#text.add(chunk.subarray(at, end));
      return end;
    }
    const { header } = frame;
    if (this.#text.bytes === 0 && header.level !== undefined && chunk[end - 1] === NEWLINE) {
      // The usual case needs no copy.
      this.#frame = undefined;
      this.#unfinished = undefined;
      const text = chunk.subarray(at, end - 1);
      const { level, call } = header;
      this.#options.onRecord({ level, call, text, bytes: text.length });
      return end;
    }
    this.#text.add(chunk.subarray(at, end), { isEnded: chunk[end - 1] === NEWLINE });
    this.#endFrame(header);
    return end;
  }

  #endFrame(header: FrameHeader): void {
    this.#frame = undefined;
    if (header.level === undefined || this.#text.isEnded) this.#emitText(header);
    else this.#unfinished = header;
  }

  #emitText({ level, call }: FrameHeader): void {
    this.#unfinished = undefined;
    const { text, bytes } = this.#text.take();
    if (level !== undefined) {
      if (bytes > 0) this.#options.onRecord({ level, call, text, bytes });
      return;
    }
    const [, records, dropped] = /^(\d{1,15}) (\d{1,15})$/.exec(text.toString("latin1")) ?? [];
    if (records !== undefined) {
      this.#options.onDropped({ records: Number(records), bytes: Number(dropped) });
    }
  }

  #emitLine(): void {
    const { text, bytes } = this.#line.take();
    this.#emitPlain(text, bytes);
  }

  #emitPlain(text: Buffer, bytes: number): void {
    const head = text[0] === BRACE ? text.toString("latin1", 0, JSON_HEAD_BYTES) : "";
    const level = head === "" ? this.#options.level : (jsonLevel(head) ?? this.#options.level);
    const call = head === "" ? "" : (/"lever-call" ?: ?"([\w-]{1,40})"/.exec(head)?.[1] ?? "");
    this.#options.onRecord({ level, call, text, bytes });
  }
}

function continues(before: FrameHeader, next: FrameHeader): boolean {
  return before.call === next.call && before.level === next.level;
}

/** The level in a line of JSON, as loggers write it: a word, or one of the numbers of pino and bunyan. */
function jsonLevel(head: string): LogLevel | undefined {
  const [, word, digits] =
    /"(?:level|severity)" ?: ?(?:"([A-Za-z]{1,10})"|(\d{2})\b)/.exec(head) ?? [];
  if (word !== undefined) return levelNamed(word.toLowerCase());
  return digits === undefined ? undefined : levelNumbered(Number(digits));
}

function levelNamed(word: string): LogLevel | undefined {
  if (/^(?:err|error|fatal|crit|critical|alert|emerg\w*|panic)$/.test(word)) return "error";
  if (/^warn(?:ing)?$/.test(word)) return "warn";
  if (/^(?:info|notice)$/.test(word)) return "info";
  return /^(?:debug|trace|verbose|silly)$/.test(word) ? "debug" : undefined;
}

function levelNumbered(number: number): LogLevel {
  if (number >= 50) return "error";
  if (number >= 40) return "warn";
  return number >= 30 ? "info" : "debug";
}
