import { type CallHandle, type CallListener, type CallRequest, ignoredEvents } from "../call.ts";
import { LeverError } from "../errors.ts";
import { Link } from "./link.ts";
import type { LinkOptions } from "./link-options.ts";

/**
 * A link to a service in the same process: two ends joined in memory, with the frames and the flow control of a link over
 * a socket. Returns the end that calls.
 */
export function memoryLink(
  options: Pick<LinkOptions, "messageBytesMax" | "callsMax" | "schedule" | "onCall">,
): Link {
  const join = (side: "dialler" | "listener", other: () => Link): Link =>
    new Link({
      ...options,
      side,
      write(parts) {
        for (const part of parts) other().receive(part);
        return true;
      },
      onCall: side === "dialler" ? options.onCall : refuseCall,
      onControl() {},
    });
  const host: Link = join("listener", () => service);
  const service: Link = join("dialler", () => host);
  return host;
}

function refuseCall(_request: CallRequest, side: CallHandle): CallListener {
  side.abort(new LeverError("not_supported", "Cannot call: this end of the link serves no calls."));
  return ignoredEvents;
}
