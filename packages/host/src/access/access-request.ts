import type { IncomingHttpHeaders } from "node:http";

/** Browsers cannot set a header on a WebSocket, and send the token as a subprotocol with this prefix. */
const SUBPROTOCOL_PREFIX = "bearer.";

/** The two addresses of a connection. */
export interface Connection {
  readonly remoteAddress?: string | undefined;
  readonly localAddress?: string | undefined;
}

/** The parts of a request that access depends on. */
export interface AccessRequest {
  readonly headers: IncomingHttpHeaders;
  /** The HTTP method; undefined where a protocol has only one. */
  readonly method?: string | undefined;
  readonly httpVersionMajor?: number | undefined;
  /** undefined = it is closed already. */
  readonly socket: Connection | undefined;
  /** `isForwarded` of these headers, where one request carries many calls; undefined = not known. */
  readonly isForwarded?: boolean | undefined;
}

/** The token that a request carries; undefined = none; `""` = an authorization header that is not a bearer token. */
export function requestToken(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) {
    const [, token] = /^bearer +(\S+) *$/i.exec(authorization) ?? [];
    // Another scheme is an invalid token, which is refused even where no token would be allowed.
    return token ?? "";
  }
  const offered = headers["sec-websocket-protocol"];
  if (offered === undefined) return undefined;
  return offered
    .split(",")
    .map((name) => name.trim())
    .find((name) => name.startsWith(SUBPROTOCOL_PREFIX))
    ?.slice(SUBPROTOCOL_PREFIX.length);
}

/** The headers without what `requestToken` reads. */
export function withoutToken(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { authorization: _, "sec-websocket-protocol": offered, ...others } = headers;
  const kept = offered
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => !name.startsWith(SUBPROTOCOL_PREFIX));
  if (kept === undefined || kept.length === 0) return others;
  return { ...others, "sec-websocket-protocol": kept.join(", ") };
}

/** Headers that proxies and content delivery networks add, beside `x-forwarded-…`. */
const PROXY_HEADERS: ReadonlySet<string> = new Set([
  "forwarded",
  "via",
  "cdn-loop",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-original-forwarded-for",
  "x-original-host",
  "x-envoy-external-address",
  "x-azure-clientip",
  "x-amzn-trace-id",
  "true-client-ip",
  "cf-connecting-ip",
  "cf-connecting-ipv6",
  "fastly-client-ip",
  "fly-client-ip",
]);

/** A proxy forwarded the request: the address of the connection is not the caller's. */
export function isForwarded(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) {
    if (PROXY_HEADERS.has(name) || name.startsWith("x-forwarded-")) return true;
  }
  return false;
}

/** From loopback, or from the address that it connected to: no other machine can hold a connection from that one. */
export function isSameMachine({ remoteAddress, localAddress }: Connection): boolean {
  const address = withoutIpv6Mapping(remoteAddress);
  if (address === "") return false;
  return /^127\.|^::1$/.test(address) || address === withoutIpv6Mapping(localAddress);
}

/** An IPv4 address as such, also when it arrived at an IPv6 socket; `""` for none. */
export function withoutIpv6Mapping(address = ""): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
