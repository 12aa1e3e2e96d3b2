import type { ServerHttp2Session } from "node:http2";

/**
 * Ends an HTTP/2 connection on which nothing has moved for a time: at once when no call is open on it. Calls that are
 * open go on, however silent, for as long as the other side's program answers; new ones need a new connection.
 */
export function closeWhenIdle(session: ServerHttp2Session, silentMs: number): void {
  let isAsked = false;
  session.setTimeout(silentMs);
  session.on("timeout", () => {
    // The other side is gone; or a fault of its has made Node stop reading, of which Node tells nobody.
    if (isAsked) {
      session.destroy();
      return;
    }
    session.close();
    if (session.destroyed) return;
    isAsked = true;
    // Must be acknowledged (RFC 9113, 6.5.3). Node sends no ping once either side has announced the end.
    session.settings({}, () => {
      isAsked = false;
    });
  });
}
