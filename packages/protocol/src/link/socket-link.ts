import { processMs } from "../process-clock.ts";
import { BusyWaitPolicy, busyWaitUntil } from "./busy-wait.ts";
import { Link } from "./link.ts";
import type { LinkOptions } from "./link-options.ts";

// Only Node runs a link over a socket: these are its own.
declare function setImmediate(task: () => void): unknown;
declare function setTimeout(task: () => void, ms: number): { unref(): void };

/** What a link needs of a socket: of Node's every `Duplex`. */
export interface LinkSocket {
  readonly destroyed: boolean;
  readonly writableLength: number;
  write(bytes: Uint8Array): unknown;
  cork(): void;
  uncork(): void;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "drain" | "end" | "close", listener: () => void): unknown;
}

/** What a connection of HTTP/1.1 is upgraded to where a program outside asks for a link (RFC 9110, 7.8). */
export const LINK_UPGRADE = "lever-link/1";

/** What is read at once. When it is full, more is there, of which the loop would read up to 32 times as much in one turn. */
export const LINK_READ_BYTES: number = 64 * 1024;
/** Frames of a peer that has more after which others get their turn: it is frames that take time, not bytes. */
const FRAMES_BEFORE_OTHERS = 500;
/** Bytes that may wait in the socket before calls are told to wait. */
const SATURATED_BYTES = 512 * 1024;
/** Time without use after which shared memory is given back. */
const CLEAR_AFTER_MS = 1_000;

export type LinkHandlers = Pick<
  LinkOptions,
  | "side"
  | "onCall"
  | "onControl"
  | "messageBytesMax"
  | "callsMax"
  | "isBorrowed"
  | "refuse"
  | "hold"
  | "shared"
  | "onIdle"
> & {
  /** The socket is gone, and the link must be closed with the error that its open calls are to hear. Called once. */
  readonly onClose: (reason: Error | undefined) => void;
  /**
   * This side stays awake where the next call or reply is to be expected at once. Not for a peer from outside, who could
   * keep it from sleeping. Default: false.
   */
  readonly busyWaits?: boolean;
  /** Told of all bytes that go through; says for how many milliseconds nothing more may that way. Default: no rate. */
  readonly pace?: {
    sent(bytes: number): number;
    received(bytes: number): number;
  };
};

/** Runs a link over a connected socket, which it owns from now on. */
export function attachLink(socket: LinkSocket, handlers: LinkHandlers): Link {
  const { pace, busyWaits: staysAwake = false } = handlers;
  const wakefulness = new BusyWaitPolicy();
  const awake = (): void => {
    if (!staysAwake) return;
    const { callsOpen, regularCalls: callsMade } = link;
    busyWaitUntil(wakefulness.next(processMs(), { callsOpen, callsMade }));
  };
  let willClear = false;
  const clearLater = (): void => {
    willClear = true;
    const timer = setTimeout(() => {
      if (socket.destroyed || link.clearUnused()) willClear = false;
      else clearLater();
    }, CLEAR_AFTER_MS);
    timer.unref();
  };
  let failure: Error | undefined;
  /** What waits for its turn at the rate; undefined = nothing has to. */
  let held: Uint8Array[] | undefined;
  let heldSharedBytes = 0;
  const write = (parts: readonly Uint8Array[], sharedBytes: number): boolean => {
    if (socket.destroyed) return true;
    if (sharedBytes > 0 && !willClear) clearLater();
    if (held !== undefined) {
      held.push(...parts);
      heldSharedBytes += sharedBytes;
      return false;
    }
    if (parts.length > 1) socket.cork();
    for (const part of parts) socket.write(part);
    if (parts.length > 1) socket.uncork();
    const waitMs = pace?.sent(lengthOf(parts) + sharedBytes) ?? 0;
    if (waitMs > 0) hold(waitMs);
    awake();
    return waitMs === 0 && socket.writableLength < SATURATED_BYTES;
  };
  const hold = (waitMs: number): void => {
    held = [];
    setTimeout(() => {
      const parts = held ?? [];
      const sharedBytes = heldSharedBytes;
      held = undefined;
      heldSharedBytes = 0;
      if (parts.length === 0 || write(parts, sharedBytes)) link.drained();
    }, waitMs);
  };
  let framesSeen = 0;
  const link = new Link({
    ...handlers,
    write,
    // After the poll phase: everything that one turn of the loop produced leaves in one write.
    schedule: setImmediate,
  });
  socket.on("data", (chunk) => {
    let sharedBytes = 0;
    try {
      sharedBytes = link.receive(chunk);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      socket.destroy();
    }
    awake();
    const waitMs = pace?.received(chunk.length + sharedBytes) ?? 0;
    const isFlood =
      chunk.length >= LINK_READ_BYTES && link.framesReceived - framesSeen >= FRAMES_BEFORE_OTHERS;
    if (isFlood) framesSeen = link.framesReceived;
    if (waitMs === 0 && !isFlood) return;
    socket.pause();
    if (waitMs > 0) setTimeout(() => socket.resume(), waitMs);
    else setImmediate(() => socket.resume());
  });
  socket.on("drain", () => {
    if (held === undefined) link.drained();
  });
  // "close" follows every error, and a half-closed link is of no use.
  socket.on("error", (error) => {
    failure ??= error;
  });
  socket.on("end", () => socket.destroy());
  socket.on("close", () => handlers.onClose(failure));
  return link;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}
