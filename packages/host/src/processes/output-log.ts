const LINE_LENGTH_MAX = 1_000;
/** The end of the output is stored for error messages, also if the log drops it. */
const TAIL_BYTES = 2_000;
const TAIL_LINES = 20;

export interface OutputLogOptions {
  /** Output above this rate is dropped and counted. */
  readonly bytesPerSecondMax: number;
  readonly clock: () => number;
  readonly onLine: (line: string) => void;
  readonly onDropped: (bytes: number) => void;
}

/** Cuts the output of a process into lines for the log, within a limit per second. */
export class OutputLog {
  readonly #options: OutputLogOptions;
  #tail: Buffer = Buffer.alloc(0);
  #partial = "";
  #secondStartedAt = 0;
  #bytesThisSecond = 0;
  #droppedBytes = 0;

  constructor(options: OutputLogOptions) {
    this.#options = options;
  }

  push(chunk: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    const now = this.#options.clock();
    if (now - this.#secondStartedAt >= 1_000) {
      this.#reportDropped();
      this.#secondStartedAt = now;
      this.#bytesThisSecond = 0;
    }
    const bytesLeft = this.#options.bytesPerSecondMax - this.#bytesThisSecond;
    this.#bytesThisSecond += chunk.length;
    if (bytesLeft < chunk.length) this.#droppedBytes += chunk.length - Math.max(0, bytesLeft);
    if (bytesLeft <= 0) return;
    const text = this.#partial + chunk.toString("utf8", 0, bytesLeft);
    const lines = text.split("\n");
    this.#partial = (lines.pop() ?? "").slice(0, LINE_LENGTH_MAX);
    for (const line of lines) this.#emit(line);
  }

  /** Must be called when the output has ended: the rest becomes a line. */
  end(): void {
    if (this.#partial !== "") this.#emit(this.#partial);
    this.#partial = "";
    this.#reportDropped();
  }

  /** The last lines, oldest first, as one text. */
  tail(): string {
    return this.#tail.toString("utf8").trim().split("\n").slice(-TAIL_LINES).join("\n");
  }

  #emit(line: string): void {
    this.#options.onLine(line.slice(0, LINE_LENGTH_MAX));
  }

  #reportDropped(): void {
    if (this.#droppedBytes === 0) return;
    this.#options.onDropped(this.#droppedBytes);
    this.#droppedBytes = 0;
  }
}
