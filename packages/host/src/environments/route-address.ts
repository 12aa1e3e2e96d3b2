import { isIP } from "node:net";
import { isLoopbackName, LeverError } from "@leveros/protocol";

/** The address of a route: a host name, and a beginning of its paths. */
export interface RouteAddress {
  readonly host: string;
  readonly path: string;
}

const HOST_LENGTH_MAX = 253;
const PATH_LENGTH_MAX = 1_024;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Segments as browsers send them (RFC 3986, 3.3), without escapes: an escaped form of a path would not match. */
const PATH = /^(?:\/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+$/;

/**
 * Parses the address of a route: `shop.example.com`, `shop.example.com/blog` or `*.apps.example.com`.
 * @throws LeverError `malformed_request`
 */
export function parseRouteAddress(text: string): RouteAddress {
  const slash = text.indexOf("/");
  const [name, rest] = slash === -1 ? [text, ""] : [text.slice(0, slash), text.slice(slash)];
  const host = name.toLowerCase().replace(/\.$/, "");
  const path = rest.replace(/\/$/, "");
  const problem = problemOf(host, path, text);
  if (problem === undefined) return { host, path };
  throw new LeverError(
    "malformed_request",
    `Cannot use ${JSON.stringify(text.slice(0, 200))} as the address of a route: ${problem}. Allowed is a host name such as shop.example.com, with a path such as shop.example.com/blog, or *.apps.example.com for all names below one.`,
  );
}

function problemOf(host: string, path: string, text: string): string | undefined {
  if (text.includes("://")) return "it begins with a scheme";
  if (/:\d*$/.test(host)) return "it has a port, and a route holds for all ports";
  if (host === "") return "it has no host name";
  if (host.length > HOST_LENGTH_MAX) return `its name is longer than ${HOST_LENGTH_MAX} characters`;
  if (isIP(host) !== 0 || host.startsWith("[")) return "it is an address, not a name";
  if (isLoopbackName(host) || host.endsWith(".localhost"))
    return "names of this machine lead to services by themselves";
  const isWildcard = host.startsWith("*.");
  const labels = host.slice(isWildcard ? 2 : 0).split(".");
  if (!labels.every((label) => LABEL.test(label))) {
    return host.includes("*") ? "only its first label may be *" : "its name is not a host name";
  }
  if (isWildcard && labels.length < 2) return "a name below a top-level domain may be anyone's";
  if (isWildcard && path !== "")
    return "a name with * leads to a service by its label, not by a path";
  return problemOfPath(path);
}

function problemOfPath(path: string): string | undefined {
  if (path === "") return undefined;
  if (path.length > PATH_LENGTH_MAX) return `its path is longer than ${PATH_LENGTH_MAX} characters`;
  if (!PATH.test(path)) return "its path has a character that is not allowed, or an empty part";
  const segments = path.split("/");
  if (segments.includes(".") || segments.includes("..")) return "its path has a part . or ..";
  if (segments[1] === "-") return "paths below /-/ are Lever's own";
  return undefined;
}

/** True when a host name of a route stands for the other one, too. */
export function covers(host: string, other: string): boolean {
  if (host === other) return true;
  return host.startsWith("*.") && other.slice(other.indexOf(".")) === host.slice(1);
}

export function formatRoute({ host, path }: RouteAddress): string {
  return host + path;
}
