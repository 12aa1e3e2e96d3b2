import type { IncomingHttpHeaders } from "node:http";
import {
  type Connection,
  isForwarded,
  isSameMachine,
  withoutIpv6Mapping,
} from "../admission/admit-call.ts";

/** Fields of one connection, which are not passed on (RFC 9110, 7.6.1), and the one that the gateway acts on. */
export const connectionFields: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Fields that say where a request came from, beside `x-forwarded-…`. Callers could claim anything in them. */
const ORIGIN_FIELDS: ReadonlySet<string> = new Set(["forwarded", "host", "x-real-ip"]);
const FORWARDED = "x-forwarded-";

/** The facts about a request that the gateway has from its connection. */
interface RequestFacts {
  readonly socket: Connection;
  readonly isSecure: boolean;
  /** See `SiteRequest`. */
  readonly prefix: string;
}

/**
 * The header fields that a service gets, names and values in turn, the URL's origin, and the path of the service at its caller's
 * end. Only a proxy on this machine is believed what it says about its caller.
 */
export function requestFields(
  headers: IncomingHttpHeaders,
  { socket, isSecure, prefix }: RequestFacts,
): { readonly fields: readonly string[]; readonly origin: string; readonly outerPrefix: string } {
  const fields: string[] = [];
  const named = namesIn(headers.connection);
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || !isPassedOn(name) || named?.has(name) === true) continue;
    if (typeof value === "string") fields.push(name, value);
    else for (const one of value) fields.push(name, one);
  }
  const host = text(headers[":authority"]) ?? headers.host ?? "";
  const address = withoutIpv6Mapping(socket.remoteAddress);
  const isProxied = isForwarded(headers) && isSameMachine(socket);
  const claimed = (name: string): string | undefined =>
    isProxied ? text(headers[`${FORWARDED}${name}`]) : undefined;
  const callers = claimed("for");
  const proto = claimed("proto");
  const scheme = proto === "https" || proto === "http" ? proto : isSecure ? "https" : "http";
  fields.push(
    ...["host", host],
    ...[`${FORWARDED}for`, callers === undefined ? address : `${callers}, ${address}`],
    ...[`${FORWARDED}proto`, scheme],
    ...[`${FORWARDED}host`, claimed("host") ?? host],
  );
  const outerPrefix = prefix === "" ? "" : `${claimed("prefix") ?? ""}${prefix}`;
  if (prefix !== "") fields.push(`${FORWARDED}prefix`, outerPrefix);
  return { fields, origin: `${scheme}://${host}`, outerPrefix };
}

/** The names in a field Connection: fields that are only for this connection, too. */
export function namesIn(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined) return undefined;
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
}

function isPassedOn(name: string): boolean {
  return (
    !name.startsWith(":") &&
    !connectionFields.has(name) &&
    !ORIGIN_FIELDS.has(name) &&
    !name.startsWith(FORWARDED) &&
    !isLevers(name)
  );
}

/** Fields with which Lever tells callers and services something. */
export function isLevers(name: string): boolean {
  return name.startsWith("lever-") || name.startsWith("x-lever-");
}

function text(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
