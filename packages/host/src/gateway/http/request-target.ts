import { LeverError, type LeverUrl, type Limits, parseLeverPath } from "@leveros/protocol";
import type { HttpRequest } from "./exchange.ts";
import { hostName } from "./host-name.ts";

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
  // Most calls have this one parameter only, which a regular expression reads faster.
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

function queryTimeout(request: RequestHead): string | undefined {
  // Most calls have none, so the query is not parsed to find out.
  if (request.url?.includes("timeout=") !== true) return undefined;
  return requestQuery(request).get("timeout") ?? undefined;
}

const UNIT_MS: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1_000, m: 60_000 };

/**
 * The deadline that a request asks for by `lever-timeout`, or by `?timeout=` where no header can be set: milliseconds, or a
 * number with a unit (`10s`). 0 = it asks for none. An error = the text is malformed, or the time is over the limit.
 */
export function askedTimeoutMs(
  request: RequestHead,
  { callTimeoutMaxMs }: Pick<Limits, "callTimeoutMaxMs">,
): number | LeverError {
  const header = request.headers["lever-timeout"] ?? queryTimeout(request);
  if (header === undefined) return 0;
  const [, digits, unit = ""] = /^(\d{1,9})(ms|s|m)?$/.exec(String(header)) ?? [];
  const timeoutMs = Number(digits) * (UNIT_MS[unit] ?? 1);
  if (timeoutMs >= 1 && timeoutMs <= callTimeoutMaxMs) return timeoutMs;
  return new LeverError(
    "malformed_request",
    `Cannot read the header lever-timeout: found is ${JSON.stringify(String(header).slice(0, 40))}; allowed is 1 to ${callTimeoutMaxMs} milliseconds, or a number with ms, s or m.`,
  );
}
