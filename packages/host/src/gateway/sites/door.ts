import { LeverError, PAYLOAD_BYTES } from "@leveros/protocol";
import { asLeverError } from "../../logs/as-lever-error.ts";
import { countPassed } from "../buffer-garbage.ts";
import type { DoorOptions } from "../door-options.ts";
import { bodyTooLarge } from "../http/body.ts";
import { discardBody } from "../http/discard-body.ts";
import type { HttpRequest, HttpResponse } from "../http/exchange.ts";
import { isBodyAwaited } from "../http/expectation.ts";
import { failureParts, writeFailure } from "./failure.ts";
import { serveFiles } from "./files/door.ts";
import { SiteReply } from "./reply.ts";
import { type AdmittedSiteRequest, admitSiteRequest, siteCall } from "./site-call.ts";
import { type SiteRequest, siteRequest } from "./site-request.ts";

/**
 * Carries a request that a service answers: with one of its files, or by its `fetch`, as a streaming call with its head as
 * arguments and its body as messages. False = the request is for something else.
 */
export function serveSite(
  request: HttpRequest,
  response: HttpResponse,
  options: DoorOptions,
): boolean {
  const fail = (error: unknown): void => {
    const failure = asLeverError(error, options.log, "gateway");
    writeFailure(response, failureParts(failure, request.headers));
    discardBody(request);
  };
  try {
    const site = siteRequest(request, options.router.sites);
    if (site === undefined) return false;
    if (site.path.startsWith("/")) serve(site, { request, response, options, fail });
    else redirect(site, request, response);
  } catch (error) {
    fail(error);
  }
  return true;
}

/** Relative links in a page need the slash at the end of its service's path. */
function redirect(
  { prefix, path }: SiteRequest,
  request: HttpRequest,
  response: HttpResponse,
): void {
  response.writeHead(308, { location: `${prefix}/${path}`, "content-length": 0 });
  response.end();
  discardBody(request);
}

interface SiteExchange {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly options: DoorOptions;
  /** Answers with an error. */
  readonly fail: (error: unknown) => void;
}

function serve(found: SiteRequest, exchange: SiteExchange): void {
  const { request, options, fail } = exchange;
  const admitted = admitSiteRequest(found, request, options);
  const { files, hasFetch } = found.site;
  // A body could arrive while the file is looked up.
  if (files === undefined || (hasFetch && announcesBody(request))) {
    fetchFrom(found, admitted, exchange);
    return;
  }
  const next = (): void => {
    try {
      fetchFrom(found, admitted, exchange);
    } catch (error) {
      fail(error);
    }
  };
  serveFiles({ ...exchange, site: found, files, next: hasFetch ? next : undefined });
}

function fetchFrom(
  found: SiteRequest,
  admitted: AdmittedSiteRequest,
  { request, response, options }: SiteExchange,
): void {
  const { bodyBytesMax = Number.POSITIVE_INFINITY } = found.site;
  const { "content-length": declared = 0 } = request.headers;
  if (Number(declared) > bodyBytesMax) throw bodyTooLarge(bodyBytesMax);
  const isExpecting = isBodyAwaited(request);
  const hasBody = announcesBody(request);
  const asked = { request, options, hasBody };
  const { opening, call, reach } = siteCall(found, admitted, asked);
  const { caller } = opening;
  const reply = new SiteReply({ ...options, request, response, caller, call, reach });
  const handle = options.router.open(opening, reply, hasBody);
  reply.call = handle;
  if (!hasBody) {
    discardBody(request);
    return;
  }
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    if (reply.isOver) return;
    bytes += chunk.length;
    if (bytes > bodyBytesMax) {
      reply.fail(bodyTooLarge(bodyBytesMax));
      return;
    }
    countPassed(chunk.length);
    reply.onProgress();
    const release = request.keep?.();
    if (!handle.send(PAYLOAD_BYTES, chunk, false, release)) reply.pauseRequest();
  });
  request.on("end", () => handle.end());
  request.on("error", (error) => {
    if (error instanceof LeverError && !reply.isOver) reply.fail(error);
  });
  if (isExpecting && !response.headersSent) response.writeContinue();
}

/** True when the request has a body, or may have one: over HTTP/2, a body of unknown length has no header field. */
function announcesBody({ method, headers, httpVersionMajor }: HttpRequest): boolean {
  const length = headers["content-length"];
  if (length !== undefined) return Number(length) > 0;
  if (headers["transfer-encoding"] !== undefined) return true;
  return httpVersionMajor === 2 && method !== "GET" && method !== "HEAD";
}
