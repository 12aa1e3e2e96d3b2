import type { IncomingHttpHeaders } from "node:http";
import { LeverError, type LeverUrl, type Limits, parseLeverPath } from "@leveros/protocol";
import type { HttpRequest } from "./exchange.ts";

type RequestHead = Pick<HttpRequest, "url" | "headers">;

/**
 * Which method a request means: the path names it, `?forceenv=` or the Host header the environment. The port in the
 * Host header does not matter.
 * @throws LeverError `malformed_request`
 */
export function requestTarget(request: RequestHead): LeverUrl {
  const { path, query } = splitUrl(request);
  const forced = query === "" ? null : forcedEnvironment(query);
  const environment = forced ?? hostName(request.headers);
  if (environment === "") {
    throw new LeverError(
      "malformed_request",
      "Cannot tell the environment: the request has neither a Host header nor ?forceenv=.",
    );
  }
  return { environment: environment.toLowerCase(), ...parseLeverPath(path) };
}

function forcedEnvironment(query: string): string | null {
  // The one parameter of most calls is read without taking the query apart.
  const [, plain] = /^forceenv=([\w.-]+)$/.exec(query) ?? [];
  return plain ?? new URLSearchParams(query).get("forceenv");
}

/** The parameters behind the `?`. */
export function requestQuery(request: RequestHead): URLSearchParams {
  return new URLSearchParams(splitUrl(request).query);
}

function splitUrl(request: RequestHead): { path: string; query: string } {
  const url = request.url ?? "/";
  // A proxy may be spoken to in absolute form (RFC 9112, 3.2.2); the authority is in Host as well.
  const origin = url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?]*/i, "");
  const mark = origin.indexOf("?");
  return mark === -1
    ? { path: origin, query: "" }
    : { path: origin.slice(0, mark), query: origin.slice(mark + 1) };
}

/** The Host header, or what HTTP/2 has instead, without its port; an address in brackets stays in them. `""` = none. */
export function hostName(headers: IncomingHttpHeaders): string {
  const host = headers.host ?? headers[":authority"];
  if (typeof host !== "string") return "";
  const end = host.startsWith("[") ? host.indexOf("]") + 1 : host.indexOf(":");
  return end > 0 ? host.slice(0, end) : host;
}

function queryTimeout(request: RequestHead): string | undefined {
  // Nearly every call has none; that is to be seen without taking the query apart.
  if (request.url?.includes("timeout=") !== true) return undefined;
  return requestQuery(request).get("timeout") ?? undefined;
}

const UNIT_MS: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1_000, m: 60_000 };

/**
 * The deadline that a request asks for by `lever-timeout` (milliseconds, or with a unit: `10s`), in milliseconds; where
 * no header can be set, by `?timeout=`.
 * @throws LeverError `malformed_request`
 */
export function requestTimeoutMs(
  request: RequestHead,
  limits: Pick<Limits, "callTimeoutMaxMs">,
  defaultMs: number,
): number {
  const header = request.headers["lever-timeout"] ?? queryTimeout(request);
  if (header === undefined) return defaultMs;
  const [, digits, unit = ""] = /^(\d{1,9})(ms|s|m)?$/.exec(String(header)) ?? [];
  const timeoutMs = Number(digits) * (UNIT_MS[unit] ?? 1);
  if (!(timeoutMs >= 1 && timeoutMs <= limits.callTimeoutMaxMs)) {
    throw new LeverError(
      "malformed_request",
      `Cannot read the header lever-timeout: found is ${JSON.stringify(String(header).slice(0, 40))}; allowed is 1 to ${limits.callTimeoutMaxMs} milliseconds, or a number with ms, s or m.`,
    );
  }
  return timeoutMs;
}
