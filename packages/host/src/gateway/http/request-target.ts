import {
  environmentName,
  environmentOf,
  LeverError,
  type LeverUrl,
  parseLeverPath,
} from "@leveros/protocol";
import type { HttpRequest } from "./exchange.ts";
import { hostName } from "./host-name.ts";

/** The parts of a request that say what it calls, and for how long. */
export type RequestHead = Pick<HttpRequest, "url" | "headers">;

/**
 * The method that a request calls. The path names the method; `?forceenv=` or the Host header, without its port, names the
 * environment. A loopback name means the default one.
 * @throws LeverError `malformed_request`
 */
export function requestTarget(request: RequestHead): LeverUrl {
  const { path, query } = splitUrl(request);
  const environment = requestEnvironment(request.headers, query);
  // Each request of a caller of many resources comes here, and a spread is slower.
  const { service, resource, method } = parseLeverPath(path);
  return { environment, service, resource, method };
}

/**
 * The environment that a request calls into.
 * @throws LeverError `malformed_request`
 */
export function requestEnvironment(headers: RequestHead["headers"], query: string): string {
  const forced = query === "" ? null : forcedEnvironment(query);
  const host = hostName(headers);
  if (host === undefined) {
    throw new LeverError(
      "malformed_request",
      "Cannot read the request: its Host header is not a host name with an optional port.",
    );
  }
  const environment = environmentOf(forced === null ? host : environmentName(forced));
  if (environment === "") {
    throw new LeverError(
      "malformed_request",
      "Cannot find the environment: the request has neither a Host header nor ?forceenv=.",
    );
  }
  return environment;
}

function forcedEnvironment(query: string): string | null {
  // Most calls have this one parameter only, which a regular expression reads faster.
  const [, plain] = /^forceenv=([\w.-]+)$/.exec(query) ?? [];
  return plain ?? new URLSearchParams(query).get("forceenv");
}

/** The parameters after the `?`. */
export function requestQuery(request: RequestHead): URLSearchParams {
  return new URLSearchParams(splitUrl(request).query);
}

export function splitUrl(request: RequestHead): { path: string; query: string } {
  const url = request.url ?? "/";
  const mark = url.indexOf("?");
  return mark === -1
    ? { path: url, query: "" }
    : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}
