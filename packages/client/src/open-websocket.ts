import {
  type CallHandle,
  type CallListener,
  formatLeverUrl,
  type LeverUrl,
  type Payload,
  withoutPort,
} from "@leveros/protocol";
import { formatHttpAddress, type HttpAddress } from "./http-address.ts";
import { WebSocketChannel } from "./websocket-channel.ts";

/** Opens a streaming call to a host. The query names the environment, because web pages cannot set the Host header. */
export function openWebSocket(
  url: LeverUrl,
  args: Payload,
  options: {
    address: HttpAddress;
    token: string | undefined;
    timeoutMs: number;
    events: CallListener;
  },
): CallHandle {
  const { address, token, timeoutMs, events } = options;
  const query = new URLSearchParams({ forceenv: withoutPort(url.environment) });
  if (timeoutMs > 0) query.set("timeout", String(Math.ceil(timeoutMs)));
  const authority = formatHttpAddress(address);
  const path = formatLeverUrl({ ...url, environment: "" });
  const target = `${formatLeverUrl(url)} at ${authority}`;
  const scheme = address.isSecure ? "wss" : "ws";
  const channel = { events, target, token };
  return new WebSocketChannel(`${scheme}://${authority}${path}?${query}`, args, channel);
}
