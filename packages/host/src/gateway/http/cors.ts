import type { HttpRequest, HttpResponse } from "./exchange.ts";

const PREFLIGHT_MAX_AGE_SECONDS = "600";

/** Lets pages of an origin, or of any (`*`), read the response. */
export function allowReading(response: HttpResponse, origin: string): void {
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-expose-headers", "lever-error, retry-after");
  if (origin !== "*") response.setHeader("vary", "origin");
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
