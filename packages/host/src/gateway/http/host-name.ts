import type { IncomingHttpHeaders } from "node:http";
import { environmentName, type LeverUrl } from "@leveros/protocol";

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

/** The end of the host names of services on the machine that calls them (RFC 6761, 6.3). */
const LOCAL_END = ".localhost";

/** The host name of a service's own on this machine: each has an origin of its own for browsers. */
export function siteHostName({
  environment,
  service,
}: Pick<LeverUrl, "environment" | "service">): string {
  return `${service}.${environment}${LOCAL_END}`;
}

/** The service that has a host name of its own; undefined = the name is none. */
export function siteOfHostName(
  name: string,
): Pick<LeverUrl, "environment" | "service"> | undefined {
  const dot = name.indexOf(".");
  const end = name.length - LOCAL_END.length;
  if (!name.endsWith(LOCAL_END) || dot >= end) return undefined;
  return { service: name.slice(0, dot), environment: name.slice(dot + 1, end) };
}
