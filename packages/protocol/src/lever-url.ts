import { LeverError } from "./errors.ts";

/** The universal address of a method: `lever://<environment>/<service>[/<resource>]/<method>`. */
export interface LeverUrl {
  /** Host name with an optional port, in lower case; `""` in a relative URL. */
  readonly environment: string;
  readonly service: string;
  /** `""` without a resource; may contain `/`. Percent-escapes are decoded. */
  readonly resource: string;
  readonly method: string;
}

/**
 * A host name with an optional port: letters, digits, dots, hyphens, or an address in brackets. A name may have the dot of
 * the DNS root at its end.
 */
const ENVIRONMENT = /^([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\.?|\[[0-9a-f:.]+\])((?::\d{1,5})?)$/i;

/**
 * Parses an absolute or relative Lever URL.
 * @throws LeverError `malformed_request` that names the URL and what is wrong with it.
 */
export function parseLeverUrl(url: string): LeverUrl {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url);
  if (scheme === null) {
    if (!url.startsWith("/") || url.startsWith("//")) {
      throw malformed(url, "it starts neither with lever:// nor with one /");
    }
    return { environment: "", ...parseLeverPath(url) };
  }
  if (scheme[1]?.toLowerCase() !== "lever") {
    throw malformed(url, `its scheme is ${scheme[1]}, not lever`);
  }
  const start = scheme[0].length;
  const slash = url.indexOf("/", start);
  const authority = slash === -1 ? url.slice(start) : url.slice(start, slash);
  const [, host, port] = ENVIRONMENT.exec(authority) ?? [];
  if (host === undefined || port === undefined) {
    throw malformed(url, `"${authority}" is not an environment's host name`);
  }
  if (slash === -1) throw malformed(url, "it names no service and no method");
  return { environment: environmentName(host) + port, ...parseLeverPath(url.slice(slash), url) };
}

/** The form in which names of environments are compared. A host name with a dot at its end is the same name. */
export function environmentName(host: string): string {
  const name = host.toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/**
 * Parses the path of a Lever URL: `/<service>[/<resource>]/<method>`. An empty segment means no resource. A slash at the end
 * is ignored.
 * @param url the URL that an error message quotes. Default: the path.
 * @throws LeverError `malformed_request`
 */
export function parseLeverPath(path: string, url: string = path): Omit<LeverUrl, "environment"> {
  const first = path.indexOf("/", 1);
  const hasSlash = path.endsWith("/") && first < path.length - 1;
  const end = hasSlash ? path.length - 1 : path.length;
  const last = path.lastIndexOf("/", end - 1);
  if (path[0] !== "/" || first === -1) {
    throw malformed(url, "it needs a service and a method: /service/method");
  }
  const service = unescapeSegment(path.slice(1, first), url);
  const method = unescapeSegment(path.slice(last + 1, end), url);
  if (service === "") throw malformed(url, "its service is empty");
  if (method === "") throw malformed(url, "its method is empty");
  const resource = last > first ? unescapeSegment(path.slice(first + 1, last), url) : "";
  return { service, resource, method };
}

/** Formats a Lever URL. Escapes each character that a path cannot contain, except `/` in a resource. */
export function formatLeverUrl(url: LeverUrl): string {
  const authority = url.environment === "" ? "" : `lever://${url.environment}`;
  const resource =
    url.resource === "" ? "" : `/${url.resource.split("/").map(encodeURIComponent).join("/")}`;
  return `${authority}/${encodeURIComponent(url.service)}${resource}/${encodeURIComponent(url.method)}`;
}

/** The environment of an address. The port is only for connecting. */
export function withoutPort(address: string): string {
  return address.replace(/:\d+$/, "");
}

function unescapeSegment(text: string, url: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw malformed(url, "it has a broken percent-escape", cause);
  }
}

function malformed(url: string, problem: string, cause?: unknown): LeverError {
  const shown = url.length > 200 ? `${url.slice(0, 200)}…` : url;
  return new LeverError("malformed_request", `Cannot read the Lever URL ${shown}: ${problem}.`, {
    cause,
  });
}
