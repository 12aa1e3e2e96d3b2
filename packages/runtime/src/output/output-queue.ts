import { writeSync } from "node:fs";
import { formatFrame } from "@leveros/protocol";

/** Frames that wait for the host to read. When there are more, the oldest are dropped and counted. */
const QUEUE_BYTES_MAX = 256 * 1024;
const WRITE_BYTES_MAX = 64 * 1024;
const RETRY_MS = 5;
/** In a loop that never ends, timers do not fire: it is tried again after so many frames, too. */
const RETRY_FRAMES = 64;
/** At the end of the process: for all that waits, and then for the end of it. */
const FINISH_MS = 500;
const LAST_BYTES = 16 * 1024;
const PAUSE_MS = 1;
/** Written and dropped frames stay in the list until there are so many. */
const FORGET_FRAMES = 1_024;

/**
 * Writes frames to a file descriptor without waiting. What it does not accept waits here, and not in a stream of Node: that
 * would be unbounded, and lost at the end of the process.
 */
export class OutputQueue {
  readonly #fd: number;
  #frames: Buffer[] = [];
  /** The first frame that is left, and the bytes of it that are written. */
  #first = 0;
  #written = 0;
  #bytes = 0;
  #droppedFrames = 0;
  #droppedBytes = 0;
  /** The last frame with numbers of dropped frames. */
  #numbers: { frame: Buffer; frames: number; bytes: number } | undefined;
  #sinceTry = 0;
  #timer: NodeJS.Timeout | undefined;
  #isFinished = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(frame: Buffer): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#timer === undefined || ++this.#sinceTry >= RETRY_FRAMES) this.#writeSome();
    if (this.#bytes > QUEUE_BYTES_MAX) this.#dropTo(QUEUE_BYTES_MAX);
    if (this.#isFinished) this.finish();
  }

  /** Must be called at the end of the process. Blocks for at most a second. */
  finish(): void {
    this.#isFinished = true;
    this.#writeFor(FINISH_MS);
    this.#dropTo(LAST_BYTES);
    this.#writeFor(FINISH_MS);
  }

  #writeFor(ms: number): void {
    const end = performance.now() + ms;
    while (!this.#writeSome() && performance.now() < end) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }

  /** False = something is left. */
  #writeSome(): boolean {
    this.#sinceTry = 0;
    this.#tellDropped();
    while (this.#bytes > 0) {
      const written = tryWrite(this.#fd, this.#next());
      if (written === 0) break;
      this.#advance(written);
    }
    if (this.#bytes > 0) this.#retryLater();
    else this.#tellDropped();
    return this.#bytes === 0;
  }

  /** The numbers of what was dropped come in its place: before the first frame that is left. */
  #tellDropped(): void {
    if (this.#droppedFrames === 0 || this.#written > 0) return;
    const text = `${this.#droppedFrames} ${this.#droppedBytes}`;
    const head = formatFrame({ call: "", level: undefined, bytes: text.length });
    const frame = Buffer.from(head + text, "latin1");
    this.#frames = [frame, ...this.#frames.slice(this.#first)];
    this.#first = 0;
    this.#bytes += frame.length;
    this.#numbers = { frame, frames: this.#droppedFrames, bytes: this.#droppedBytes };
    this.#droppedFrames = 0;
    this.#droppedBytes = 0;
  }

  /** The first frames that are left, in one buffer. */
  #next(): Buffer {
    const first = this.#frames[this.#first]?.subarray(this.#written) ?? Buffer.alloc(0);
    const parts = [first];
    let bytes = first.length;
    for (let at = this.#first + 1; at < this.#frames.length && bytes < WRITE_BYTES_MAX; at++) {
      const frame = this.#frames[at] ?? first;
      parts.push(frame);
      bytes += frame.length;
    }
    return parts.length === 1 ? first : Buffer.concat(parts);
  }

  #advance(written: number): void {
    this.#bytes -= written;
    let left = this.#written + written;
    let frame = this.#frames[this.#first];
    while (frame !== undefined && left >= frame.length) {
      left -= frame.length;
      this.#first++;
      frame = this.#frames[this.#first];
    }
    this.#written = left;
    this.#forgetWritten();
  }

  #forgetWritten(): void {
    if (this.#first < this.#frames.length && this.#first <= FORGET_FRAMES) return;
    this.#frames = this.#frames.slice(this.#first);
    this.#first = 0;
  }

  /** A frame that is partly written must be completed. */
  #dropTo(bytesMax: number): void {
    const begun = this.#written > 0 ? this.#frames[this.#first] : undefined;
    let at = begun === undefined ? this.#first : this.#first + 1;
    const from = at;
    while (this.#bytes > bytesMax && at < this.#frames.length - 1) {
      const frame = this.#frames[at] ?? Buffer.alloc(0);
      this.#bytes -= frame.length;
      this.#droppedBytes += frame.length;
      if (frame === this.#numbers?.frame) {
        // The numbers that it has count again, instead of itself.
        this.#droppedFrames += this.#numbers.frames - 1;
        this.#droppedBytes += this.#numbers.bytes - frame.length;
      }
      at++;
    }
    this.#droppedFrames += at - from;
    if (begun === undefined) this.#first = at;
    else if (at > from) {
      this.#first = at - 1;
      this.#frames[this.#first] = begun;
    }
    this.#forgetWritten();
  }

  #retryLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writeSome();
    }, RETRY_MS).unref();
  }
}

/** Returns 0 when the reader has not taken enough, or is gone. */
function tryWrite(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    const isFull = error instanceof Error && "code" in error && error.code === "EAGAIN";
    return isFull ? 0 : bytes.length;
  }
}
