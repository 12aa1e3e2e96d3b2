import { LeverError, type LeverUrl, parseLeverPath } from "@leveros/protocol";
import type { HttpRequest } from "./exchange.ts";
import { hostName } from "./host-name.ts";

/** The parts of a request that say what it calls, and for how long. */
export type RequestHead = Pick<HttpRequest, "url" | "headers">;

/**
 * The method that a request calls. The path names the method; `?forceenv=` or the Host header, without its port, names the
 * environment.
 * @throws LeverError `malformed_request`
 */
export function requestTarget(request: RequestHead): LeverUrl {
  const { path, query } = splitUrl(request);
  const forced = query === "" ? null : forcedEnvironment(query);
  const environment = forced ?? hostName(request.headers);
  if (environment === "") {
    throw new LeverError(
      "malformed_request",
      "Cannot find the environment: the request has neither a Host header nor ?forceenv=.",
    );
  }
  return { environment: environment.toLowerCase(), ...parseLeverPath(path) };
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

function splitUrl(request: RequestHead): { path: string; query: string } {
  const url = request.url ?? "/";
  // The absolute form is for proxies, but must be accepted (RFC 9112, 3.2.2). Host has the authority as well.
  const origin = url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?]*/i, "");
  const mark = origin.indexOf("?");
  return mark === -1
    ? { path: origin, query: "" }
    : { path: origin.slice(0, mark), query: origin.slice(mark + 1) };
}
