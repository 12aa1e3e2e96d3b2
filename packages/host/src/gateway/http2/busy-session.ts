import type { ServerHttp2Session } from "node:http2";
import type { Clock } from "../../clock.ts";

/**
 * Closes an HTTP/2 connection with open calls whose peer does not answer a ping within the interval. A connection without
 * calls has `closeWhenIdle`. The returned function is called for each new call.
 */
export function pingWhileBusy(
  session: ServerHttp2Session,
  options: {
    readonly clock: Clock;
    readonly intervalMs: number;
    readonly isBusy: () => boolean;
  },
): () => void {
  const { clock, intervalMs, isBusy } = options;
  let isAwaitingAck = false;
  let timer: unknown;
  const onAck = (error: Error | null): void => {
    if (error === null) isAwaitingAck = false;
  };
  const check = (): void => {
    timer = undefined;
    if (session.destroyed || !isBusy()) return;
    if (isAwaitingAck) {
      session.destroy();
      return;
    }
    isAwaitingAck = true;
    // Node sends no ping after either side has announced the end. Peers must acknowledge settings, too (RFC 9113, 6.5.3).
    if (session.closed) session.settings({}, onAck);
    else session.ping(onAck);
    checkLater();
  };
  const checkLater = (): void => {
    timer ??= clock.setTimeout(check, intervalMs);
  };
  session.on("close", () => clock.clearTimeout(timer));
  return checkLater;
}
