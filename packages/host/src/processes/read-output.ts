import type { ChildProcess } from "node:child_process";
import type { Clock } from "../clock.ts";
import type { OutputStream } from "./output-log.ts";

/**
 * Most output that is read at once, so that a flood does not block the host's event loop. It is far more than what is logged:
 * the rest is dropped, since a process that waits for its reader would lose its last words.
 */
const BYTES_PER_WINDOW = 256 * 1024;
/** Together 32 MiB a second. A process that writes more is slowed down. */
const WINDOW_MS = 8;
/** More than the pipes of a process hold. */
const REST_BYTES_MAX = 4 * 1024 * 1024;
export type OnOutput = (chunk: Buffer, stream: OutputStream) => void;

/** The reading of a process's output. */
export interface OutputReading {
  /** Call it when the process has exited: reads what is left in the pipes without a limit of the rate. */
  readRest(): void;
  /** Bytes that have been read. */
  readonly bytes: number;
}

/** Reads a process's standard output and error to their ends, at a bounded rate. */
export function readOutput(child: ChildProcess, onOutput: OnOutput, clock: Clock): OutputReading {
  let bytes = 0;
  let windowBytes = 0;
  let windowStartedAt = 0;
  let restBytes = 0;
  const open = [child.stdout, child.stderr].filter((stream) => stream !== null);
  const resume = (): void => {
    for (const stream of open) stream.resume();
  };
  const read = (chunk: Buffer, stream: OutputStream): void => {
    onOutput(chunk, stream);
    const now = clock.now();
    if (now - windowStartedAt >= WINDOW_MS) {
      windowStartedAt = now;
      windowBytes = 0;
    }
    bytes += chunk.length;
    windowBytes += chunk.length;
    restBytes -= chunk.length;
    if (windowBytes <= BYTES_PER_WINDOW || restBytes > 0) return;
    for (const paused of open) paused.pause();
    clock.setTimeout(resume, WINDOW_MS);
  };
  child.stdout?.on("data", (chunk: Buffer) => read(chunk, "stdout"));
  child.stderr?.on("data", (chunk: Buffer) => read(chunk, "stderr"));
  return {
    get bytes() {
      return bytes;
    },
    readRest() {
      restBytes = REST_BYTES_MAX;
      resume();
    },
  };
}
