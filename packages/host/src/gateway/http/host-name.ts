import type { IncomingHttpHeaders } from "node:http";
import { environmentName } from "@leveros/protocol";

/** A host and its port (RFC 9110, 7.2): a name, or an IPv6 address in brackets. The port may be empty. */
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]*)(?::\d{0,5})?$/i;

/**
 * The name in `:authority` or the Host header, without its port and in the form of environments' names; an IPv6 address
 * keeps its brackets. `""` = none; undefined = malformed.
 */
export function hostName(headers: IncomingHttpHeaders): string | undefined {
  // HTTP/2 has both where a proxy has passed on a Host header (RFC 9113, 8.3.1).
  const authority = headers[":authority"] ?? headers.host ?? "";
  const [, name] = typeof authority === "string" ? (AUTHORITY.exec(authority) ?? []) : [];
  return name === undefined ? undefined : environmentName(name);
}
