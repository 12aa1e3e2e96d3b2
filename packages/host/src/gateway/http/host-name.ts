import type { IncomingHttpHeaders } from "node:http";

/** The name in the Host header or `:authority`, without its port; an IPv6 address keeps its brackets. `""` = none. */
export function hostName(headers: IncomingHttpHeaders): string {
  const host = headers.host ?? headers[":authority"];
  if (typeof host !== "string") return "";
  const end = host.startsWith("[") ? host.indexOf("]") + 1 : host.indexOf(":");
  return end > 0 ? host.slice(0, end) : host;
}
