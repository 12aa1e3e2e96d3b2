import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  type CallTarget,
  ignoredEvents,
  LeverError,
  Link,
} from "@leveros/protocol";

/**
 * A link to a service that runs inside the host: two ends joined in memory, with the same flow control and the same
 * frames as over a socket. Returns the end that calls.
 */
export function memoryLink(
  onCall: (request: CallRequest, side: CallHandle) => CallListener,
  options: { messageBytesMax: number; callsMax: number },
): CallTarget {
  const join = (side: "host" | "instance", other: () => Link): Link =>
    new Link({
      ...options,
      side,
      write(parts) {
        for (const part of parts) other().receive(part);
        return true;
      },
      schedule: setImmediate,
      onCall: side === "instance" ? onCall : refuseCall,
      onControl() {},
    });
  const host: Link = join("host", () => service);
  const service: Link = join("instance", () => host);
  return host;
}

function refuseCall(_request: CallRequest, side: CallHandle): CallListener {
  side.abort(new LeverError("not_supported", "Calls do not go this way."));
  return ignoredEvents;
}
