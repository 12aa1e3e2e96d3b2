import type { Clock } from "../clock.ts";
import { OutputLines } from "./output-lines.ts";

/** The end of the output is stored for error messages, also if the log drops it. */
const TAIL_BYTES = 2_000;
const TAIL_LINES = 20;
const SECOND_MS = 1_000;

/** Where a process has written. A line of one stream may come amid a line of the other. */
export type OutputStream = "stdout" | "stderr";

export interface OutputLogOptions {
  /** Lines above this rate are dropped and counted, except for the last ones. */
  readonly bytesPerSecondMax: number;
  readonly clock: Clock;
  readonly onLine: (line: string) => void;
  readonly onDropped: (bytes: number) => void;
}

interface Line {
  readonly text: string;
  readonly bytes: number;
}

/**
 * Cuts the output of a process into lines for the log, within a limit per second. Of the lines over the limit, the last ones
 * are logged when the second is over or the process has ended: they often say why it ended.
 */
export class OutputLog {
  readonly #options: OutputLogOptions;
  readonly #streams: Readonly<Record<OutputStream, OutputLines>>;
  #tail: Buffer = Buffer.alloc(0);
  #secondStartedAt = 0;
  #bytesThisSecond = 0;
  /** The last lines over the limit. */
  #lastWords: Line[] = [];
  #lastWordsBytes = 0;
  #droppedBytes = 0;
  #timer: unknown;

  constructor(options: OutputLogOptions) {
    this.#options = options;
    const onLine = (text: string): void => this.#onLine(text);
    this.#streams = { stdout: new OutputLines(onLine), stderr: new OutputLines(onLine) };
  }

  push(chunk: Buffer, stream: OutputStream): void {
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    this.#streams[stream].push(chunk);
  }

  /** Must be called when the output has ended. */
  end(): void {
    for (const lines of Object.values(this.#streams)) lines.end();
    this.#endSecond();
  }

  /** The last lines, oldest first, as one text. */
  tail(): string {
    return this.#tail.toString("utf8").trim().split("\n").slice(-TAIL_LINES).join("\n");
  }

  #onLine(text: string): void {
    const { clock, bytesPerSecondMax, onLine } = this.#options;
    if (clock.now() - this.#secondStartedAt >= SECOND_MS) this.#endSecond();
    const bytes = Buffer.byteLength(text) + 1;
    // Lines stay in order.
    if (this.#timer === undefined && this.#bytesThisSecond + bytes <= bytesPerSecondMax) {
      this.#bytesThisSecond += bytes;
      onLine(text);
      return;
    }
    this.#lastWords.push({ text, bytes });
    this.#lastWordsBytes += bytes;
    const bytesMax = Math.min(TAIL_BYTES, bytesPerSecondMax);
    while (this.#lastWordsBytes > bytesMax || this.#lastWords.length > TAIL_LINES) {
      const dropped = this.#lastWords.shift()?.bytes ?? 0;
      this.#lastWordsBytes -= dropped;
      this.#droppedBytes += dropped;
    }
    const leftMs = this.#secondStartedAt + SECOND_MS - clock.now();
    this.#timer ??= clock.setTimeout(() => this.#endSecond(), leftMs);
  }

  /** A new second begins, with the last lines over the limit of the one before. */
  #endSecond(): void {
    const { clock, onLine, onDropped } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#secondStartedAt = clock.now();
    this.#bytesThisSecond = this.#lastWordsBytes;
    if (this.#droppedBytes > 0) onDropped(this.#droppedBytes);
    this.#droppedBytes = 0;
    const lines = this.#lastWords;
    this.#lastWords = [];
    this.#lastWordsBytes = 0;
    for (const { text } of lines) onLine(text);
  }
}
