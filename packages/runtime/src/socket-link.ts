import type { Duplex } from "node:stream";
import { Link, type LinkOptions } from "@leveros/protocol";

/** What is read at once. When it is full, more is there, of which the system would hand over 32 as much in one turn. */
const READ_BYTES = 64 * 1024;
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
    // One peer that is busy must not keep the loop to itself.
    if (chunk.length >= READ_BYTES) {
      socket.pause();
      setImmediate(() => socket.resume());
    }
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
