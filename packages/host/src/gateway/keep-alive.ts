import type { Socket } from "node:net";
import type { Limits } from "@leveros/protocol";

/** The kernel counts the delay in seconds. */
const DELAY_MS_MIN = 1_000;

/**
 * Lets the kernel find out when the peer of a silent connection is gone, and send each write at once. It takes five system calls,
 * so a connection gets it once it is likely to stay open.
 */
export function keepAlive(
  socket: Socket,
  { pingIntervalMs }: Pick<Limits, "pingIntervalMs">,
): void {
  socket.setNoDelay(true).setKeepAlive(true, Math.max(DELAY_MS_MIN, pingIntervalMs));
}
