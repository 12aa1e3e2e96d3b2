import type { ChildProcess } from "node:child_process";
import type { Clock } from "../clock.ts";
import type { OutputStream } from "./output-log.ts";

/**
 * Most output that is read in a window: 32 MiB a second. It is far more than what is logged: the rest is dropped, since a
 * process that waits for its reader would lose its last words.
 */
const BYTES_PER_WINDOW = 128 * 1024;
const WINDOW_MS = 4;
/** Time for output in one turn of the event loop, which must not be blocked: a chunk may have very many lines. */
const TURN_MS = 5;
/** A process whose output has used it up is read again so much later. */
const PAUSE_MS = 10;
/** Handled between two looks at the clock. */
const PIECE_BYTES = 8 * 1024;

/** The start of the turn, for the output of all processes: several may come in one. undefined = none has come in it. */
let turnStartedAt: number | undefined;

function startOfTurn(clock: Clock): number {
  if (turnStartedAt !== undefined) return turnStartedAt;
  turnStartedAt = clock.now();
  setImmediate(() => {
    turnStartedAt = undefined;
  });
  return turnStartedAt;
}

export type OnOutput = (chunk: Buffer, stream: OutputStream) => void;

/** The reading of a process's output. */
export interface OutputReading {
  /** Call it when the process has exited: reads what is left in the pipes without a limit of the rate. */
  readRest(): void;
  /** Hands on what has been read. */
  finish(): void;
  /** Bytes that have been read. */
  readonly bytes: number;
}

interface Chunk {
  readonly bytes: Buffer;
  readonly stream: OutputStream;
  /** The beginning of what has not been handed on. */
  at: number;
}

/** Reads a process's standard output and error to their ends, at a bounded rate, and without blocking the event loop. */
export function readOutput(child: ChildProcess, onOutput: OnOutput, clock: Clock): OutputReading {
  let bytes = 0;
  let windowBytes = 0;
  let windowStartedAt = 0;
  let isRest = false;
  let timer: unknown;
  const waiting: Chunk[] = [];
  const open = [child.stdout, child.stderr].filter((stream) => stream !== null);
  const resumeLater = (ms: number): void => {
    for (const stream of open) stream.pause();
    timer ??= clock.setTimeout(() => {
      timer = undefined;
      for (const stream of open) stream.resume();
      handOn();
    }, ms);
  };
  /** Until the turn is over, and at least one piece. */
  const handOn = (): void => {
    const startedAt = startOfTurn(clock);
    for (let chunk = waiting[0]; chunk !== undefined; chunk = waiting[0]) {
      const piece = chunk.bytes.subarray(chunk.at, chunk.at + PIECE_BYTES);
      chunk.at += piece.length;
      if (chunk.at === chunk.bytes.length) waiting.shift();
      onOutput(piece, chunk.stream);
      if (clock.now() - startedAt < TURN_MS) continue;
      // Also when nothing waits: more may come in this turn.
      resumeLater(PAUSE_MS);
      return;
    }
  };
  const read = (chunk: Buffer, stream: OutputStream): void => {
    bytes += chunk.length;
    waiting.push({ bytes: chunk, stream, at: 0 });
    const now = clock.now();
    if (timer === undefined) handOn();
    if (now - windowStartedAt >= WINDOW_MS) {
      windowStartedAt = now;
      windowBytes = 0;
    }
    windowBytes += chunk.length;
    if (windowBytes > BYTES_PER_WINDOW && !isRest) resumeLater(WINDOW_MS);
  };
  child.stdout?.on("data", (chunk: Buffer) => read(chunk, "stdout"));
  child.stderr?.on("data", (chunk: Buffer) => read(chunk, "stderr"));
  return {
    get bytes() {
      return bytes;
    },
    readRest() {
      isRest = true;
      for (const stream of open) stream.resume();
    },
    finish() {
      clock.clearTimeout(timer);
      for (const { bytes, at, stream } of waiting.splice(0)) onOutput(bytes.subarray(at), stream);
    },
  };
}
