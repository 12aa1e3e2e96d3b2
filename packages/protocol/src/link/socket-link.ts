import { processMs } from "../process-clock.ts";
import { BusyWaitPolicy, busyWaitUntil } from "./busy-wait.ts";
import { Link } from "./link.ts";
import type { LinkOptions } from "./link-options.ts";

// Provided by Node, the only platform that runs a link over a socket.
declare function setImmediate(task: () => void): unknown;
declare function setTimeout(task: () => void, ms: number): { unref(): void };

/** The parts of a socket that a link uses. Every Node `Duplex` has them. */
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

/** Bytes read at once. When a read fills them more is pending: the event loop reads up to 32 times in one iteration. */
export const LINK_READ_BYTES: number = 64 * 1024;
/** After this many frames of a peer that has more pending, other sockets are read first. Frames take time, not bytes. */
const FRAMES_BEFORE_OTHERS = 500;
/** With more bytes buffered in the socket, senders wait for the drain. */
const SATURATED_BYTES = 512 * 1024;
/** Unused shared memory is released after this time. */
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
  | "countArrived"
  | "countUnsent"
  | "shared"
  | "onIdle"
> & {
  /** True for an error with which a socket ends whose peer had not read everything. Default: there is none. */
  readonly isReset?: (error: Error) => boolean;
  /** Called once when the socket has closed. The owner must close the link with the error for its open calls. */
  readonly onClose: (reason: Error | undefined) => void;
  /**
   * Busy-waits when the next call or reply is expected at once. Only for trusted peers: others could keep this process
   * from sleeping. Default: false.
   */
  readonly busyWaits?: boolean;
  /** Uses the memory of written frames again: the system has what the socket does not buffer. Default: false. */
  readonly isSystemSocket?: boolean;
  /**
   * Limits the rate: counts the bytes of a direction, on the socket and beside it, and returns for how many ms it must stop.
   * Default: no limit.
   */
  readonly pace?: {
    sent(bytes: number, sharedBytes: number): number;
    received(bytes: number, sharedBytes: number): number;
  };
};

/** Runs a link over a connected socket. The link owns the socket from then on. */
export function attachLink(socket: LinkSocket, handlers: LinkHandlers): Link {
  const { pace, busyWaits = false, isSystemSocket = false } = handlers;
  const busyWaitPolicy = new BusyWaitPolicy();
  const busyWait = (): void => {
    if (!busyWaits) return;
    const { callsOpen, regularCalls: callsMade } = link;
    busyWaitUntil(busyWaitPolicy.next(processMs(), { callsOpen, callsMade }));
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
  /** Parts that wait because of the rate limit; undefined = writing is allowed. */
  let delayed: Uint8Array[] | undefined;
  let delayedSharedBytes = 0;
  const write = (parts: readonly Uint8Array[], sharedBytes: number): boolean => {
    if (socket.destroyed) return true;
    if (sharedBytes > 0 && !willClear) clearLater();
    if (delayed !== undefined) {
      delayed.push(...parts);
      delayedSharedBytes += sharedBytes;
      return false;
    }
    if (parts.length > 1) socket.cork();
    for (const part of parts) socket.write(part);
    if (parts.length > 1) socket.uncork();
    if (isSystemSocket && socket.writableLength === 0) link.output.reuseMemory();
    const waitMs = pace?.sent(lengthOf(parts), sharedBytes) ?? 0;
    if (waitMs > 0) delayWrites(waitMs);
    busyWait();
    return waitMs === 0 && socket.writableLength < SATURATED_BYTES;
  };
  const delayWrites = (waitMs: number): void => {
    delayed = [];
    setTimeout(() => {
      const parts = delayed ?? [];
      const sharedBytes = delayedSharedBytes;
      delayed = undefined;
      delayedSharedBytes = 0;
      if (parts.length === 0 || write(parts, sharedBytes)) link.drained();
    }, waitMs);
  };
  let framesSeen = 0;
  const link = new Link({
    ...handlers,
    write,
    // After the poll phase: one write sends everything that one iteration of the event loop produced.
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
    busyWait();
    const waitMs = pace?.received(chunk.length, sharedBytes) ?? 0;
    const isFlood =
      chunk.length >= LINK_READ_BYTES && link.framesReceived - framesSeen >= FRAMES_BEFORE_OTHERS;
    if (isFlood) framesSeen = link.framesReceived;
    if (waitMs === 0 && !isFlood) return;
    socket.pause();
    if (waitMs > 0) setTimeout(() => socket.resume(), waitMs);
    else setImmediate(() => socket.resume());
  });
  socket.on("drain", () => {
    if (delayed === undefined) link.drained();
  });
  // "close" follows every error. A half-closed link cannot be used.
  socket.on("error", (error) => {
    failure ??= error;
    // Before "close", which comes later, further calls may be written into nowhere.
    link.disconnected(handlers.isReset?.(error) === true);
  });
  socket.on("end", () => {
    link.disconnected(false);
    socket.destroy();
  });
  socket.on("close", () => handlers.onClose(failure));
  return link;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}
