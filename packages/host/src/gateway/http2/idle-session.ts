import type { ServerHttp2Session } from "node:http2";

/**
 * Closes an HTTP/2 connection without traffic for a time. Without open calls it closes at once. Open calls continue, however
 * long they are silent, as long as the peer acknowledges; new calls need a new connection.
 */
export function closeWhenIdle(session: ServerHttp2Session, idleMs: number): void {
  let isAwaitingAck = false;
  session.setTimeout(idleMs);
  session.on("timeout", () => {
    // The peer is gone, or it has made Node stop reading by a protocol error, which Node does not report.
    if (isAwaitingAck) {
      session.destroy();
      return;
    }
    session.close();
    if (session.destroyed) return;
    isAwaitingAck = true;
    // Peers must acknowledge settings (RFC 9113, 6.5.3). Node sends no ping after either side has announced the end.
    session.settings({}, () => {
      isAwaitingAck = false;
    });
  });
}
