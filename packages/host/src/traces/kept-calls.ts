import { createReadStream } from "node:fs";
import { appendFile, mkdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CallTrace } from "@leveros/protocol";

/** A trace as it is kept: a line of JSON. */
export interface KeptTrace extends CallTrace {
  readonly environment: string;
}

/** Failed calls have files of their own, so that slow ones cannot displace them. */
export type KeptKind = "failed" | "slow";
const KINDS: readonly KeptKind[] = ["failed", "slow"];
/** Traces that wait for the disk. */
const UNWRITTEN_MAX = 1_000;
const READ_BYTES = 64 * 1024;

export interface KeptCallsOptions {
  /** Created when a trace is kept. */
  readonly dir: string;
  /** The size of all files: each kind has a current one and the one before. */
  readonly bytesMax: number;
  readonly onError: (error: unknown) => void;
}

/** Traces in files of bounded size, which outlive the host's process. The oldest are dropped by whole files. */
export class KeptCalls {
  readonly #options: KeptCallsOptions;
  readonly #fileBytesMax: number;
  readonly #unwritten: Record<KeptKind, string[]> = { failed: [], slow: [] };
  #writing: Promise<void> | undefined;

  constructor(options: KeptCallsOptions) {
    this.#options = options;
    this.#fileBytesMax = options.bytesMax / (2 * KINDS.length);
  }

  /** Writes soon. */
  add(kind: KeptKind, trace: KeptTrace): void {
    if (this.#fileBytesMax === 0 || this.#unwritten[kind].length >= UNWRITTEN_MAX) return;
    this.#unwritten[kind].push(`${JSON.stringify(trace)}\n`);
    this.#writing ??= this.#write().catch(this.#options.onError);
  }

  /** Resolves when all is written. */
  async written(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** All of them, oldest first in each file. `contains` = only lines with this text are parsed. */
  async *read(contains: string): AsyncGenerator<KeptTrace> {
    await this.written();
    for (const kind of KINDS) {
      for (const file of [this.#fileOf(kind, "before"), this.#fileOf(kind, "current")]) {
        for await (const line of linesOf(file)) {
          if (!line.includes(contains)) continue;
          const trace = parseTrace(line);
          if (trace !== undefined) yield trace;
        }
      }
    }
  }

  async #write(): Promise<void> {
    try {
      await mkdir(this.#options.dir, { recursive: true, mode: 0o700 });
      for (const kind of KINDS) {
        const lines = this.#unwritten[kind].splice(0);
        if (lines.length > 0) await this.#append(kind, lines.join(""));
      }
    } finally {
      this.#writing = undefined;
    }
    if (KINDS.some((kind) => this.#unwritten[kind].length > 0)) {
      this.#writing = this.#write().catch(this.#options.onError);
    }
  }

  async #append(kind: KeptKind, text: string): Promise<void> {
    const file = this.#fileOf(kind, "current");
    const size = await stat(file).then(
      (found) => found.size,
      () => 0,
    );
    if (size > 0 && size + text.length > this.#fileBytesMax) {
      await rename(file, this.#fileOf(kind, "before"));
    }
    await appendFile(file, text, { mode: 0o600 });
  }

  #fileOf(kind: KeptKind, age: "current" | "before"): string {
    return join(this.#options.dir, `${kind}-${age}.ndjson`);
  }
}

/** Reads in small pieces, so that the event loop is never held for long. A file that is not there has no lines. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = "";
  try {
    const stream = createReadStream(file, { encoding: "utf8", highWaterMark: READ_BYTES });
    for await (const piece of stream as AsyncIterable<string>) {
      const lines = (rest + piece).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** undefined = the line is not whole: the host was killed while it wrote. */
function parseTrace(line: string): KeptTrace | undefined {
  try {
    // The edge where a file of the host's own is trusted to have its form.
    return JSON.parse(line) as KeptTrace;
  } catch {
    return undefined;
  }
}
