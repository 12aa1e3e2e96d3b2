import { LeverError } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { GatewayLimits } from "./gateway-limits.ts";
import { MemoryReturn } from "./memory-return.ts";

/** The way of a reply to its caller: a connection, or a stream of an HTTP/2 connection. */
export interface ReplyWriter {
  /** Bytes that are written, and not sent. */
  readonly writableLength: number;
  readonly destroyed: boolean;
  destroy(error?: Error): unknown;
  on(event: "drain", listener: () => void): unknown;
  off(event: "drain", listener: () => void): unknown;
}

/** A longer reply is counted. Smaller ones are bounded by the number of connections. */
export const LARGE_REPLY_BYTES: number = 64 * 1024;
/** Time between two checks. */
const CHECK_MS = 1_000;
/** The interval for timeouts that are shorter than that, as in tests. */
const CHECK_MS_MIN = 20;
/** While there is no memory for another reply, a connection may take nothing for this long. */
const GRACE_MS = 1_000;

interface UnreadRepliesOptions {
  /** Every open connection: its replies must be read (U2). */
  readonly connections: Iterable<ReplyWriter>;
  readonly limits: Pick<GatewayLimits, "bufferedReplyBytesMax" | "unreadTimeoutMs">;
  readonly clock: Clock;
  readonly log: Log;
}

interface Held {
  bytes: number;
  /** Grows smaller with everything that its caller takes. */
  left: number;
  /** When its caller has taken something last. */
  takenAt: number;
  unsent: () => number;
  readonly onDrain: () => void;
}

/**
 * The replies that callers have not read yet.
 *
 * - U1. Large ones take at most `bufferedReplyBytesMax` bytes together. Then callers that read nothing make way for others.
 * - U2. A connection whose caller takes nothing of a reply for `unreadTimeoutMs` is closed.
 * - U3. Memory that an idle gateway no longer uses goes back to the system, also when no further call comes.
 */
export class UnreadReplies {
  readonly #options: UnreadRepliesOptions;
  readonly #held = new Map<ReplyWriter, Held>();
  readonly #memory = new MemoryReturn();
  #bytes = 0;
  #timer: unknown;

  constructor(options: UnreadRepliesOptions) {
    this.#options = options;
    this.#checkLater();
  }

  /** Bytes of the replies that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  close(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** False = a reply of this size must not be written (U1). */
  hasMemoryFor(bytes: number): boolean {
    return this.#makeWay(this.#options.limits.bufferedReplyBytesMax - bytes);
  }

  /**
   * The writer holds bytes, or more of them, that its caller has not taken. It is watched until it has sent them. `unsent`
   * counts them. Default: those that the writer itself holds.
   */
  hold(writer: ReplyWriter, unsent?: () => number): void {
    const earlier = this.#held.get(writer);
    if (earlier !== undefined) {
      if (unsent !== undefined) earlier.unsent = unsent;
      this.#refresh(writer, earlier);
      return;
    }
    const now = this.#options.clock.now();
    const bytes = unsent === undefined ? writer.writableLength : unsent();
    const held: Held = {
      bytes,
      left: bytes + queuedBytes(writer),
      unsent: unsent ?? (() => writer.writableLength),
      takenAt: now,
      onDrain: () => {
        held.takenAt = this.#options.clock.now();
      },
    };
    writer.on("drain", held.onDrain);
    this.#held.set(writer, held);
    this.#bytes += bytes;
    if (!this.#makeWay(this.#options.limits.bufferedReplyBytesMax)) this.#cut(writer, held);
  }

  /** Closes connections that read nothing until the others hold at most so many bytes. False = they hold more. */
  #makeWay(bytesMax: number): boolean {
    if (this.#bytes <= bytesMax) return true;
    this.#update();
    const now = this.#options.clock.now();
    for (const [writer, held] of this.#held) {
      if (this.#bytes <= bytesMax) break;
      if (now - held.takenAt >= GRACE_MS) this.#cut(writer, held);
    }
    return this.#bytes <= bytesMax;
  }

  /** Releases what was sent. */
  #update(): void {
    for (const [writer, held] of this.#held) this.#refresh(writer, held);
  }

  #refresh(writer: ReplyWriter, held: Held): void {
    const bytes = writer.destroyed ? 0 : held.unsent();
    if (bytes === 0) {
      this.#release(writer, held);
      return;
    }
    const left = bytes + queuedBytes(writer);
    if (left < held.left) held.takenAt = this.#options.clock.now();
    held.left = left;
    this.#bytes += bytes - held.bytes;
    held.bytes = bytes;
  }

  #check(): void {
    for (const connection of this.#options.connections) {
      if (connection.writableLength > LARGE_REPLY_BYTES) this.hold(connection);
    }
    this.#update();
    const before = this.#options.clock.now() - this.#options.limits.unreadTimeoutMs;
    for (const [writer, held] of this.#held) if (held.takenAt <= before) this.#cut(writer, held);
    this.#memory.check();
    this.#checkLater();
  }

  #checkLater(): void {
    const { clock, limits } = this.#options;
    const ms = Math.min(CHECK_MS, Math.max(CHECK_MS_MIN, limits.unreadTimeoutMs / 4));
    this.#timer = clock.setTimeout(() => this.#check(), ms);
  }

  #cut(writer: ReplyWriter, held: Held): void {
    const { bytes } = held;
    this.#options.log("info", "gateway", "unread reply dropped", { bytes });
    this.#release(writer, held);
    writer.destroy(new Error("Cannot send the reply: the caller does not read it."));
  }

  #release(writer: ReplyWriter, held: Held): void {
    this.#held.delete(writer);
    this.#bytes -= held.bytes;
    writer.off("drain", held.onDrain);
  }
}

/** The part of a large write that the system has not taken yet. The public interface shows only writes that are complete. */
function queuedBytes(writer: ReplyWriter): number {
  const handle = (writer as { _handle?: { writeQueueSize?: unknown } | null })._handle;
  const bytes = handle?.writeQueueSize;
  return typeof bytes === "number" ? bytes : 0;
}

/** U1. */
export function tooManyReplies(): LeverError {
  return new LeverError(
    "overloaded",
    "Cannot send the reply: too many large replies wait for callers that have not read them.",
    { retryAfterSeconds: 1 },
  );
}
