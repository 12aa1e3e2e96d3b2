/**
 * The output of the service in this process: each write becomes a frame (protocol/output-frame.ts). A program of its own
 * (scripts/bundle.ts), which an instance loads when it first prints something.
 */
import type { Writable } from "node:stream";
import { formatFrame, type LogLevel } from "@leveros/protocol";
import { describeError } from "./describe-error.ts";
import { OutputQueue } from "./output-queue.ts";

/** Errors of methods that are logged in a burst, and each second. Others are counted. */
const ERRORS_BURST = 50;
const ERRORS_PER_SECOND = 10;
/** A frame's longest text. A longer write becomes several frames, which the host joins. */
const FRAME_CHARS_MAX = 16_384;

type StreamName = "stdout" | "stderr";

const FDS: Readonly<Record<StreamName, number>> = { stdout: 1, stderr: 2 };
const LEVELS: Readonly<Record<StreamName, LogLevel>> = { stdout: "info", stderr: "warn" };

export interface OutputContext {
  /** The call that the current code runs for; `""` = none. */
  callId(): string;
  /** The folder of the code, which is left out of paths; `""` = none. */
  codeDir(): string;
}

export class OwnOutput {
  readonly #context: OutputContext;
  readonly #streams = new Map<StreamName, Writable>();
  /** The level of what is printed now; undefined = the stream's own. */
  #level: LogLevel | undefined;
  /** The call that fails, if the current code is not known to run for it. */
  #call: string | undefined;
  #errorsLeft = ERRORS_BURST;
  #errorsAt = 0;
  #errorsDropped = 0;

  constructor(context: OutputContext) {
    this.#context = context;
  }

  /** `process.stdout` or `process.stderr`, which writes frames from now on. */
  stream(name: StreamName, open: () => unknown): unknown {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const stream = open() as Writable;
    this.#streams.set(name, stream);
    const queue = new OutputQueue(FDS[name]);
    process.on("exit", () => queue.finish());
    const write = (chunk: Buffer | string, encoding: BufferEncoding, done: () => void): void => {
      const text = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
      const level = this.#level ?? LEVELS[name];
      const call = this.#call ?? this.#context.callId();
      for (let at = 0; at < text.length; at += FRAME_CHARS_MAX) {
        const part = text.subarray(at, at + FRAME_CHARS_MAX);
        const head = formatFrame({ call, level, bytes: part.length });
        queue.write(Buffer.concat([Buffer.from(head, "latin1"), part]));
      }
      done();
    };
    // Node's own would wait in the memory of the process, and be lost at its end.
    Object.assign(stream, { _write: write, _writev: null });
    return stream;
  }

  /** Prints with another level than that of the stream. */
  printAt(level: LogLevel, print: () => void): void {
    const before = this.#level;
    this.#level = level;
    try {
      print();
    } finally {
      this.#level = before;
    }
  }

  /** Logs an error with its stack. Many errors at once are counted only: each stack takes time. */
  logError(error: unknown, what: string, call: string): void {
    const now = performance.now();
    const gained = ((now - this.#errorsAt) / 1_000) * ERRORS_PER_SECOND;
    this.#errorsLeft = Math.min(ERRORS_BURST, this.#errorsLeft + gained);
    this.#errorsAt = now;
    if (this.#errorsLeft < 1) {
      this.#errorsDropped++;
      return;
    }
    this.#errorsLeft--;
    const more =
      this.#errorsDropped === 0 ? "" : ` (${this.#errorsDropped} errors before it are not shown)`;
    this.#errorsDropped = 0;
    this.printAt("error", () => {
      this.#call = call;
      process.stderr.write(`${what}${more}: ${describeError(error, this.#context.codeDir())}\n`);
      this.#call = undefined;
    });
  }
}

export function openOutput(context: OutputContext): OwnOutput {
  return new OwnOutput(context);
}
