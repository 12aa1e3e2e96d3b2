import type { HttpRequest, HttpResponse } from "./exchange.ts";
import type { Headers } from "./response-parts.ts";

const PREFLIGHT_MAX_AGE_SECONDS = "600";

/** Header fields that let pages of an origin, or of any (`*`), read the response. */
export function readingHeaders(origin: string): Headers {
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "lever-call, lever-error, retry-after",
    ...(origin !== "*" && { vary: "origin" }),
  };
}

export function allowReading(response: HttpResponse, origin: string): void {
  for (const [name, value] of Object.entries(readingHeaders(origin))) {
    response.setHeader(name, String(value));
  }
}

/** Answers a preflight of an allowed origin, and any other OPTIONS request. */
export function answerOptions(request: HttpRequest, response: HttpResponse, allow: string): void {
  const requested = request.headers["access-control-request-headers"];
  response.writeHead(204, {
    allow,
    "access-control-allow-methods": "POST",
    "access-control-max-age": PREFLIGHT_MAX_AGE_SECONDS,
    ...(requested !== undefined && { "access-control-allow-headers": requested }),
  });
  response.end();
}
