import { formatBytes } from "../../quantity.ts";

/** How far a deploy is. */
export type DeployPhase =
  | {
      readonly name: "uploading";
      /** Of the folder's files, this much is packed. */
      readonly packedBytes: number;
      readonly folderBytes: number;
      /** Of the archive, this much is sent. */
      readonly sentBytes: number;
    }
  | { readonly name: "starting"; readonly sentBytes: number };

const BAR_CELLS = 24;
/** A line that changes more often cannot be read anyway. */
const REDRAW_MS = 50;
/** Back to the start of the line, and clear it. */
const CLEAR_LINE = "\r\u001b[K";

/** One line, at most as wide as the terminal. */
export function formatPhase(phase: DeployPhase, columns: number): string {
  switch (phase.name) {
    case "uploading": {
      const { packedBytes, folderBytes, sentBytes } = phase;
      const share = folderBytes === 0 ? 1 : Math.min(1, packedBytes / folderBytes);
      const filled = Math.round(share * BAR_CELLS);
      const bar = "█".repeat(filled) + "░".repeat(BAR_CELLS - filled);
      const percent = `${Math.floor(share * 100)}%`.padStart(4);
      return `Packing and uploading ${bar}${percent}  ${formatBytes(sentBytes)} sent`.slice(
        0,
        columns,
      );
    }
    case "starting":
      return `Starting it: ${formatBytes(phase.sentBytes)} sent, waiting for the host …`.slice(
        0,
        columns,
      );
  }
}

export interface ProgressTerminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows how far a deploy is, in one line that is drawn over; where there is no terminal, nothing. */
export class ProgressLine {
  readonly #terminal: ProgressTerminal;
  readonly #clock: () => number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #drawnPhase = "";

  constructor(terminal: ProgressTerminal, clock: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  show(phase: DeployPhase): void {
    if (this.#terminal.isTTY !== true) return;
    const now = this.#clock();
    if (phase.name === this.#drawnPhase && now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#drawnPhase = phase.name;
    this.#terminal.write(CLEAR_LINE + formatPhase(phase, (this.#terminal.columns ?? 80) - 1));
  }

  /** Makes room for what comes next. */
  clear(): void {
    if (this.#drawnPhase === "") return;
    this.#drawnPhase = "";
    this.#terminal.write(CLEAR_LINE);
  }
}
