import { type Dropped, type LogLevel, withoutHeaders } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { Allowance } from "../logs/allowance.ts";
import { OutputRecords, type PrintedRecord } from "./output-records.ts";

/** The end of the output is stored for error messages, also if the log drops it. */
const TAIL_BYTES = 2_000;
const TAIL_LINES = 20;
/** The last records over the limit are logged, too. */
const LAST_WORDS_BYTES = 65_536;
const LAST_WORDS_MAX = 20;
/** Records over the limit are dropped for this time, and then counted in one record. */
const DROP_MS = 1_000;
/** Text without a line break waits so long for the rest. */
const UNFINISHED_MS = 1_000;
/** Errors have a limit of their own, so that they survive chatter: this part of the other one. */
const ERRORS_SHARE = 0.1;

/** Where a process has written. A line of one stream may come amid a line of the other. */
export type OutputStream = "stdout" | "stderr";

/** A record of a process's output. */
export interface OutputRecord {
  readonly level: LogLevel;
  readonly stream: OutputStream;
  /** The call that printed it; `""` = none. */
  readonly call: string;
  readonly text: string;
}

export interface OutputLogOptions {
  /** Records above this rate are dropped and counted, except for the last ones. */
  readonly bytesPerSecondMax: number;
  /** So many bytes may come at once. */
  readonly burstBytesMax: number;
  /** A longer text is cut, with a mark. */
  readonly recordBytesMax: number;
  readonly clock: Clock;
  readonly onRecord: (record: OutputRecord) => void;
  readonly onDropped: (dropped: Dropped) => void;
}

interface Kept extends PrintedRecord {
  readonly stream: OutputStream;
}

/**
 * Turns the output of a process into records for the log, within a limit of their rate. It reads everything: a process whose
 * output is not read would lose its last words. Of the records over the limit, the last ones are logged a second later, or
 * when the process has ended: they often say why it ended.
 */
export class OutputLog {
  readonly #options: OutputLogOptions;
  readonly #streams: Readonly<Record<OutputStream, OutputRecords>>;
  readonly #allowance: Allowance;
  readonly #errors: Allowance;
  #tail: Buffer = Buffer.alloc(0);
  /** The last records over the limit. */
  #lastWords: Kept[] = [];
  #lastWordsBytes = 0;
  /** How many of them are copies, and not parts of a chunk. */
  #copied = 0;
  #droppedRecords = 0;
  #droppedBytes = 0;
  #dropTimer: unknown;
  #unfinishedTimer: unknown;

  constructor(options: OutputLogOptions) {
    this.#options = options;
    const { bytesPerSecondMax, burstBytesMax, clock } = options;
    const allow = (share: number): Allowance =>
      new Allowance(bytesPerSecondMax * share, burstBytesMax * share, clock.now());
    this.#allowance = allow(1);
    this.#errors = allow(ERRORS_SHARE);
    this.#streams = { stdout: this.#open("stdout"), stderr: this.#open("stderr") };
  }

  #open(stream: OutputStream): OutputRecords {
    return new OutputRecords({
      level: stream === "stdout" ? "info" : "warn",
      recordBytesMax: this.#options.recordBytesMax,
      onRecord: (record) => this.#onRecord(record, stream),
      isDropping: () => this.#lastWords.length > 0,
      onDropped: ({ records, bytes }) => this.#countDropped(records, bytes),
    });
  }

  push(chunk: Buffer, stream: OutputStream): void {
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    this.#streams[stream].push(chunk);
    this.#copyLastWords();
    if (this.#streams[stream].isUnfinished) {
      this.#unfinishedTimer ??= this.#options.clock.setTimeout(() => {
        this.#unfinishedTimer = undefined;
        for (const records of Object.values(this.#streams)) records.finishText();
        this.#copyLastWords();
      }, UNFINISHED_MS);
    }
  }

  /** Must be called when the output has ended. */
  end(): void {
    this.#options.clock.clearTimeout(this.#unfinishedTimer);
    for (const records of Object.values(this.#streams)) records.end();
    this.#endDropping();
  }

  /** The last lines, oldest first, as one text. */
  tail(): string {
    const text = withoutHeaders(this.#tail.toString("utf8"));
    return text.trim().split("\n").slice(-TAIL_LINES).join("\n");
  }

  #onRecord(record: PrintedRecord, stream: OutputStream): void {
    const now = this.#options.clock.now();
    // Records stay in order, except for errors.
    const isDropping = this.#dropTimer !== undefined;
    // Only what is stored counts.
    const bytes = Math.min(record.bytes, this.#options.recordBytesMax) + 1;
    const isAllowed =
      (!isDropping && this.#allowance.take(bytes, now)) ||
      (record.level === "error" && this.#errors.take(bytes, now));
    if (isAllowed) {
      this.#log({ ...record, stream });
      return;
    }
    this.#lastWords.push({ ...record, stream });
    this.#lastWordsBytes += bytes;
    const bytesMax = Math.min(LAST_WORDS_BYTES, this.#options.bytesPerSecondMax);
    while (
      this.#lastWords.length > 1 &&
      (this.#lastWordsBytes > bytesMax || this.#lastWords.length > LAST_WORDS_MAX)
    ) {
      const dropped = this.#lastWords.shift()?.bytes ?? 0;
      this.#copied = Math.max(0, this.#copied - 1);
      this.#lastWordsBytes -= Math.min(dropped, this.#options.recordBytesMax) + 1;
      this.#droppedRecords++;
      this.#droppedBytes += dropped + 1;
    }
    this.#startDropping();
  }

  #countDropped(records: number, bytes: number): void {
    this.#droppedRecords += records;
    this.#droppedBytes += bytes;
    this.#startDropping();
  }

  #startDropping(): void {
    this.#dropTimer ??= this.#options.clock.setTimeout(() => this.#endDropping(), DROP_MS);
  }

  /** Logs the numbers of what was dropped, and then the last words. */
  #endDropping(): void {
    const { clock, onDropped } = this.#options;
    clock.clearTimeout(this.#dropTimer);
    this.#dropTimer = undefined;
    const dropped = { records: this.#droppedRecords, bytes: this.#droppedBytes };
    const words = this.#lastWords;
    this.#allowance.overdraw(this.#lastWordsBytes);
    this.#droppedRecords = 0;
    this.#droppedBytes = 0;
    this.#lastWords = [];
    this.#lastWordsBytes = 0;
    this.#copied = 0;
    if (dropped.records > 0) onDropped(dropped);
    for (const record of words) this.#log(record);
  }

  /** A part of a chunk would keep the whole chunk in memory. */
  #copyLastWords(): void {
    for (; this.#copied < this.#lastWords.length; this.#copied++) {
      const record = this.#lastWords[this.#copied];
      if (record === undefined) return;
      const text = Buffer.from(record.text.subarray(0, this.#options.recordBytesMax));
      this.#lastWords[this.#copied] = { ...record, text };
    }
  }

  #log({ level, stream, call, text, bytes }: Kept): void {
    const { recordBytesMax, onRecord } = this.#options;
    onRecord({ level, stream, call, text: wholeText(text, { bytes, bytesMax: recordBytesMax }) });
  }
}

function wholeText(
  text: Buffer,
  { bytes, bytesMax }: { readonly bytes: number; readonly bytesMax: number },
): string {
  if (bytes <= bytesMax) return text.toString("utf8");
  // It may end amid a character.
  const stored = text.toString("utf8", 0, bytesMax).replace(/\uFFFD+$/, "");
  return `${stored}… (cut: it has ${bytes} bytes)`;
}
