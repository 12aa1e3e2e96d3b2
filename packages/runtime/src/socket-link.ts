import type { Duplex } from "node:stream";
import { Link, type LinkOptions } from "@leveros/protocol";

/** What is read at once. When it is full, more is there, of which the loop would read up to 32 times as much in one turn. */
const READ_BYTES = 64 * 1024;
/** Frames of a peer that has more after which others get their turn: it is frames that take time, not bytes. */
const FRAMES_BEFORE_OTHERS = 500;
/** Bytes that may wait in the socket before calls are told to wait. */
const SATURATED_BYTES = 512 * 1024;

export type LinkHandlers = Pick<
  LinkOptions,
  "side" | "onCall" | "onControl" | "messageBytesMax" | "callsMax"
> & {
  /** The socket is gone, and the link must be closed with the error that its open calls are to hear. Called once. */
  readonly onClose: (reason: Error | undefined) => void;
};

/** Runs a link over a connected socket, which it owns from now on. */
export function attachLink(socket: Duplex, handlers: LinkHandlers): Link {
  let failure: Error | undefined;
  let framesSeen = 0;
  const link = new Link({
    ...handlers,
    write(parts) {
      if (socket.destroyed) return true;
      if (parts.length > 1) socket.cork();
      for (const part of parts) socket.write(part);
      if (parts.length > 1) socket.uncork();
      return socket.writableLength < SATURATED_BYTES;
    },
    // After the poll phase: everything that one turn of the loop produced leaves in one write.
    schedule: setImmediate,
  });
  socket.on("data", (chunk: Buffer) => {
    try {
      link.receive(chunk);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      socket.destroy();
    }
    if (chunk.length < READ_BYTES || link.framesReceived - framesSeen < FRAMES_BEFORE_OTHERS)
      return;
    framesSeen = link.framesReceived;
    socket.pause();
    setImmediate(() => socket.resume());
  });
  socket.on("drain", () => link.drained());
  // "close" follows every error, and a half-closed link is of no use.
  socket.on("error", (error: Error) => {
    failure ??= error;
  });
  socket.on("end", () => socket.destroy());
  socket.on("close", () => handlers.onClose(failure));
  return link;
}
