import {
  type CallHandle,
  type CallListener,
  decodeValue,
  isJsonObject,
  type LeverError,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import { transformError } from "./transform-error.ts";
import type { TransformedFiles } from "./transformed-files.ts";

/** Bytes and files that may wait to be written before the transform is paused. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
const WAITING_FILES_MAX = 64;

export interface AnswerOptions {
  readonly files: Pick<TransformedFiles, "announce" | "write">;
  /** Every file is written. */
  done(): void;
  fail(error: unknown): void;
}

interface PartialFile {
  readonly path: string;
  readonly bytes: Buffer;
  filled: number;
}

/**
 * The answer of a transform: for each file a JSON message with its path and size, and its bytes in further messages.
 * Writes the files one after the other.
 */
export class TransformAnswer implements CallListener {
  readonly #options: AnswerOptions;
  #side: Pick<CallHandle, "pause" | "resume"> | undefined;
  /** The file whose bytes have not all arrived. */
  #current: PartialFile | undefined;
  #written: Promise<void> = Promise.resolve();
  #waitingFiles = 0;
  #waitingBytes = 0;
  #isPaused = false;
  #isStopped = false;

  constructor(options: AnswerOptions) {
    this.#options = options;
  }

  /** The side of the call that it answers. */
  set side(side: Pick<CallHandle, "pause" | "resume">) {
    this.#side = side;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    try {
      this.#receive(kind, bytes);
    } catch (error) {
      this.#options.fail(error);
    }
  }

  onEnd(): void {
    const { done, fail } = this.#options;
    if (this.#current === undefined) void this.#written.then(done, fail);
    else fail(brokenAnswer());
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#options.fail(transformError(String(decodeValue(kind, bytes))));
  }

  onAbort(error: LeverError): void {
    this.#options.fail(error);
  }

  onDrain(): void {}

  /** Writes no further file. Resolves when the folder no longer changes. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#written.catch(() => {});
  }

  #receive(kind: PayloadKind, bytes: Uint8Array): void {
    const current =
      kind === PAYLOAD_JSON ? this.#begin(decodeValue(kind, bytes)) : this.#fill(bytes);
    this.#current = current.filled < current.bytes.length ? current : undefined;
    if (this.#current === undefined) this.#write(current.path, current.bytes);
  }

  #begin(message: unknown): PartialFile {
    const head = parseHead(message);
    if (this.#current !== undefined || head === undefined) throw brokenAnswer();
    this.#options.files.announce(head.bytes);
    return { path: head.path, bytes: Buffer.alloc(head.bytes), filled: 0 };
  }

  #fill(bytes: Uint8Array): PartialFile {
    const current = this.#current;
    if (current === undefined || current.filled + bytes.length > current.bytes.length) {
      throw brokenAnswer();
    }
    current.bytes.set(bytes, current.filled);
    current.filled += bytes.length;
    return current;
  }

  #write(path: string, bytes: Uint8Array): void {
    this.#count(1, bytes.length);
    this.#written = this.#written.then(async () => {
      if (!this.#isStopped) await this.#options.files.write(path, bytes);
      this.#count(-1, -bytes.length);
    });
    this.#written.catch((error: unknown) => this.#options.fail(error));
  }

  #count(files: number, bytes: number): void {
    this.#waitingFiles += files;
    this.#waitingBytes += bytes;
    const isFull =
      this.#waitingFiles >= WAITING_FILES_MAX || this.#waitingBytes >= WAITING_BYTES_MAX;
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) this.#side?.pause();
    else this.#side?.resume();
  }
}

function parseHead(value: unknown): { path: string; bytes: number } | undefined {
  const { path, bytes } = isJsonObject(value) ? value : {};
  if (typeof path !== "string" || typeof bytes !== "number") return undefined;
  return Number.isSafeInteger(bytes) && bytes >= 0 ? { path, bytes } : undefined;
}

function brokenAnswer(): LeverError {
  return transformError("the answer of the compiler cannot be read");
}
