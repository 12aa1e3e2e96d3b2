/** A line that changes more often cannot be read. */
const REDRAW_MS = 50;
/** Moves the cursor to the start of the line, and clears it. */
const CLEAR_LINE = "\r\u001b[K";

export interface ProgressTerminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows the progress of long work in one line that is redrawn. Writes nothing unless the output is a terminal. */
export class ProgressLine<Phase extends { readonly name: string }> {
  readonly #terminal: ProgressTerminal;
  readonly #format: (phase: Phase, columns: number) => string;
  readonly #clock: () => number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #drawnPhase = "";

  /** `format` makes one line, at most as wide as the terminal. */
  constructor(
    terminal: ProgressTerminal,
    format: (phase: Phase, columns: number) => string,
    clock: () => number = () => performance.now(),
  ) {
    this.#terminal = terminal;
    this.#format = format;
    this.#clock = clock;
  }

  show(phase: Phase): void {
    if (this.#terminal.isTTY !== true) return;
    const now = this.#clock();
    if (phase.name === this.#drawnPhase && now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#drawnPhase = phase.name;
    this.#terminal.write(CLEAR_LINE + this.#format(phase, (this.#terminal.columns ?? 80) - 1));
  }

  /** Removes the line, so that other output can follow. */
  clear(): void {
    if (this.#drawnPhase === "") return;
    this.#drawnPhase = "";
    this.#terminal.write(CLEAR_LINE);
  }
}
