import type { IncomingHttpHeaders } from "node:http";
import { formatCallId, LeverError } from "@leveros/protocol";
import type { HttpResponse } from "../http/exchange.ts";
import { type Headers, problemParts, type ResponseParts } from "../http/response-parts.ts";
import { writeResponse } from "../http/write-response.ts";

/** True for a browser that asks for a page. */
export function acceptsPage({ accept }: Pick<IncomingHttpHeaders, "accept">): boolean {
  return accept?.toLowerCase().includes("text/html") === true;
}

/** The response with an error of Lever: a page for browsers, and a problem (RFC 9457) for others. */
export function failureParts(
  refusal: LeverError,
  asked: Pick<IncomingHttpHeaders, "accept">,
): ResponseParts {
  const parts = problemParts(refusal);
  if (!acceptsPage(asked)) return parts;
  const call = String(parts.headers["lever-call"]);
  const body = Buffer.from(page(parts.status, refusal, call));
  const headers = {
    ...parts.headers,
    "content-type": "text/html; charset=utf-8",
    "content-length": body.length,
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "cache-control": "no-store",
  };
  return { status: parts.status, headers, body };
}

/** Writes it, if no response has begun. */
export function writeFailure(
  response: HttpResponse,
  { status, headers, body }: ResponseParts,
  more?: Headers,
): void {
  if (response.headersSent || response.destroyed === true) response.destroy();
  else writeResponse(response, { status, headers: { ...headers, ...more }, body });
}

/** The error of a `fetch` that has failed. Only callers who may see the logs get the reason. */
export function fetchFailed(number: number, reason: string | undefined): LeverError {
  const call = formatCallId(number);
  const message =
    reason === undefined
      ? "The service failed to answer the request. Its logs have the reason."
      : `The service failed to answer the request: ${reason}`;
  return new LeverError("method_failed", message, { call });
}

function page(status: number, { code, message }: LeverError, call: string): string {
  const title = `${status} ${code.replaceAll("_", " ")}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(message)}</p>
<p>Call <code>${escapeHtml(call)}</code></p>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
