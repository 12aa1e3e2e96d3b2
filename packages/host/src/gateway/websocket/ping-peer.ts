import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Clock } from "../../clock.ts";

/**
 * Pings a WebSocket that has been silent for the interval, and closes it when nothing arrives for another one. While Lever
 * itself does not read, because the method has to catch up, the silence is its own.
 */
export function pingPeer(
  socket: WebSocket,
  connection: Duplex,
  { clock, pingIntervalMs }: { readonly clock: Clock; readonly pingIntervalMs: number },
): void {
  // The door of WebSockets gets connections of TCP and TLS only.
  const { bytesRead: readFirst } = connection as Socket;
  let bytesRead = readFirst;
  let isAwaitingPong = false;
  let timer: unknown;
  const check = (): void => {
    const now = (connection as Socket).bytesRead;
    const isSilent = now === bytesRead && !socket.isPaused;
    bytesRead = now;
    if (isSilent && isAwaitingPong) {
      socket.terminate();
      return;
    }
    isAwaitingPong = isSilent;
    if (isSilent) socket.ping();
    checkLater();
  };
  const checkLater = (): void => {
    timer = clock.setTimeout(check, pingIntervalMs);
  };
  socket.on("close", () => clock.clearTimeout(timer));
  checkLater();
}
