import {
  type CallHandle,
  type CallListener,
  formatLeverUrl,
  type LeverUrl,
  type Payload,
} from "@leveros/protocol";
import { type BaseUrl, callPath } from "./base-url.ts";
import { formatHttpAddress, type HttpAddress } from "./http-address.ts";
import { WebSocketChannel } from "./websocket-channel.ts";

/** Opens a streaming call to a host. */
export function openWebSocket(
  url: LeverUrl,
  args: Payload,
  options: {
    address: HttpAddress;
    base: BaseUrl | undefined;
    token: string | undefined;
    timeoutMs: number;
    events: CallListener;
  },
): CallHandle {
  const { address, base, token, timeoutMs, events } = options;
  const query = new URLSearchParams();
  if (timeoutMs > 0) query.set("timeout", String(Math.ceil(timeoutMs)));
  const authority = formatHttpAddress(address);
  const path = callPath(url, base, query);
  const target = `${formatLeverUrl(url)} at ${authority}`;
  const scheme = address.isSecure ? "wss" : "ws";
  const channel = { events, target, token };
  return new WebSocketChannel(`${scheme}://${authority}${path}`, args, channel);
}
