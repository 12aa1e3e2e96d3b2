import type { Duplex } from "node:stream";
import { Link, type LinkOptions } from "@leveros/protocol";

/** Bytes that may wait in the socket before calls are told to wait. */
const SATURATED_BYTES = 512 * 1024;

/**
 * Bytes that an instance may leave unread before the host reads no more from it: each of its pings, or calls too many,
 * asks for an answer that would be kept. An instance itself always reads, or both could wait for one another.
 */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

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
  const link = new Link({
    ...handlers,
    write(parts) {
      if (socket.destroyed) return true;
      if (parts.length > 1) socket.cork();
      for (const part of parts) socket.write(part);
      if (parts.length > 1) socket.uncork();
      if (handlers.side === "host" && socket.writableLength > UNREAD_BYTES_MAX) socket.pause();
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
  });
  socket.on("drain", () => {
    socket.resume();
    link.drained();
  });
  // "close" follows every error, and a half-closed link is of no use.
  socket.on("error", (error: Error) => {
    failure ??= error;
  });
  socket.on("end", () => socket.destroy());
  socket.on("close", () => handlers.onClose(failure));
  return link;
}
