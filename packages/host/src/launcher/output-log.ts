/** Kept for error messages: the last lines that an instance wrote. */
const LINES_KEPT = 20;
const LINE_LENGTH_MAX = 1_000;

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
  readonly #last: string[] = [];
  #partial = "";
  #secondStartedAt = 0;
  #bytesThisSecond = 0;
  #droppedBytes = 0;

  constructor(options: OutputLogOptions) {
    this.#options = options;
  }

  push(chunk: Buffer): void {
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
    return [...this.#last, this.#partial].join("\n").trim();
  }

  #keep(line: string): void {
    const shown = line.slice(0, LINE_LENGTH_MAX);
    this.#last.push(shown);
    if (this.#last.length > LINES_KEPT) this.#last.shift();
    this.#options.onLine(shown);
  }

  #reportDropped(): void {
    if (this.#droppedBytes === 0) return;
    this.#options.onDropped(this.#droppedBytes);
    this.#droppedBytes = 0;
  }
}
