import type { LeverError } from "@leveros/protocol";
import { checkPageOrigin } from "../admission/browser-origin.ts";
import type { HttpRequest, HttpResponse } from "./exchange.ts";

const PREFLIGHT_MAX_AGE_SECONDS = "600";

/**
 * Lets pages of allowed origins read the answer, and refuses the calls of others altogether: a browser would still
 * carry out what it may not show.
 */
export function checkOrigin(
  request: HttpRequest,
  response: HttpResponse,
  corsOrigins: ReadonlySet<string>,
): LeverError | undefined {
  const { origin } = request.headers;
  const refusal = checkPageOrigin(request.headers, corsOrigins);
  if (refusal !== undefined || origin === undefined) return refusal;
  const isAny = corsOrigins.has("*");
  response.setHeader("access-control-allow-origin", isAny ? "*" : origin);
  response.setHeader("access-control-expose-headers", "lever-error, retry-after");
  if (!isAny) response.setHeader("vary", "origin");
  return undefined;
}

/** Answers a preflight whose origin is allowed, and any other OPTIONS request. */
export function answerOptions(request: HttpRequest, response: HttpResponse): void {
  const wanted = request.headers["access-control-request-headers"];
  response.writeHead(204, {
    allow: "POST, OPTIONS",
    "access-control-allow-methods": "POST",
    "access-control-max-age": PREFLIGHT_MAX_AGE_SECONDS,
    ...(wanted !== undefined && { "access-control-allow-headers": wanted }),
  });
  response.end();
}
