const LINE_LENGTH_MAX = 1_000;
/** Kept for error messages, also of what the log drops: the end of what an instance wrote. */
const TAIL_BYTES = 2_000;
const TAIL_LINES = 20;

export interface OutputLogOptions {
  /** More than this in a second is dropped, and counted. */
  readonly bytesPerSecondMax: number;
  readonly clock: () => number;
  readonly onLine: (line: string) => void;
  readonly onDropped: (bytes: number) => void;
}

/** Cuts an instance's output into lines for the log, and holds a flood to its limit. */
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
    const roomBytes = this.#options.bytesPerSecondMax - this.#bytesThisSecond;
    this.#bytesThisSecond += chunk.length;
    if (roomBytes < chunk.length) this.#droppedBytes += chunk.length - Math.max(0, roomBytes);
    if (roomBytes <= 0) return;
    const text = this.#partial + chunk.toString("utf8", 0, roomBytes);
    const lines = text.split("\n");
    this.#partial = (lines.pop() ?? "").slice(0, LINE_LENGTH_MAX);
    for (const line of lines) this.#keep(line);
  }

  /** The output has ended: what is left is a line too. */
  end(): void {
    if (this.#partial !== "") this.#keep(this.#partial);
    this.#partial = "";
    this.#reportDropped();
  }

  /** The last lines, oldest first, as one text. */
  tail(): string {
    return this.#tail.toString("utf8").trim().split("\n").slice(-TAIL_LINES).join("\n");
  }

  #keep(line: string): void {
    this.#options.onLine(line.slice(0, LINE_LENGTH_MAX));
  }

  #reportDropped(): void {
    if (this.#droppedBytes === 0) return;
    this.#options.onDropped(this.#droppedBytes);
    this.#droppedBytes = 0;
  }
}
