import {
  encodeJson,
  FETCH_METHOD,
  type FetchRequestHead,
  LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { asLeverError } from "../../logs/as-lever-error.ts";
import { countPassed } from "../buffer-garbage.ts";
import { numberCall } from "../call-marks.ts";
import type { DoorOptions } from "../door-options.ts";
import { discardBody } from "../http/discard-body.ts";
import type { HttpRequest, HttpResponse } from "../http/exchange.ts";
import { isBodyAwaited } from "../http/expectation.ts";
import { failureParts, writeFailure } from "./failure.ts";
import { serveFiles } from "./files/door.ts";
import { SiteReply } from "./reply.ts";
import { requestFields } from "./request-fields.ts";
import { type SiteRequest, siteRequest } from "./site-request.ts";

/** Methods that no `Request` can have (Fetch, 2.2.1), or that are for a proxy itself. */
const REFUSED_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/**
 * Carries a request that a service answers: with one of its files, or by its `fetch`, as a streaming call with its head as
 * arguments and its body as messages. False = the request is for something else.
 */
export function serveSite(
  request: HttpRequest,
  response: HttpResponse,
  options: DoorOptions,
): boolean {
  const site = siteRequest(request, options.router.sites);
  if (site === undefined) return false;
  const fail = (error: unknown): void => {
    const failure = asLeverError(error, options.log, "gateway");
    writeFailure(response, failureParts(failure, request.headers));
    discardBody(request);
  };
  try {
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
  const { environment, service, site } = found;
  const { request, options, fail } = exchange;
  const { method = "GET" } = request;
  if (REFUSED_METHODS.has(method)) throw refusedMethod(method);
  const target = { environment, service, resource: "", method: FETCH_METHOD };
  const admission = options.admission.admitSite(target, request);
  const { files, hasFetch } = site;
  // A body could arrive while the file is looked up.
  if (files === undefined || (hasFetch && announcesBody(request))) {
    fetchFrom(found, admission, exchange);
    return;
  }
  const next = (): void => {
    try {
      fetchFrom(found, admission, exchange);
    } catch (error) {
      fail(error);
    }
  };
  serveFiles({ ...exchange, site: found, files, next: hasFetch ? next : undefined });
}

function fetchFrom(
  { prefix, path }: SiteRequest,
  { admitted, headers }: ReturnType<DoorOptions["admission"]["admitSite"]>,
  { request, response, options }: SiteExchange,
): void {
  const { admission, router, isSecure } = options;
  const { method = "GET", socket } = request;
  const isExpecting = isBodyAwaited(request);
  const refusal = router.refusal(admitted);
  if (refusal !== undefined) {
    admission.meter.addRefusal(refusal.code);
    throw refusal;
  }
  const { fields, origin } = requestFields(headers, { socket, isSecure, prefix });
  const hasBody = announcesBody(request);
  const head: FetchRequestHead = [method, `${origin}${path}`, fields, hasBody];
  const call = numberCall(request.headers, options.limits);
  const { caller } = admitted;
  const isSandboxed = prefix !== "";
  const reply = new SiteReply({ ...options, request, response, caller, call, isSandboxed });
  const opening = { ...admitted, ...call, kind: PAYLOAD_JSON, body: encodeJson(head) } as const;
  const handle = router.open(opening, reply, hasBody);
  reply.call = handle;
  if (!hasBody) {
    discardBody(request);
    return;
  }
  request.on("data", (chunk: Buffer) => {
    if (reply.isOver) return;
    countPassed(chunk.length);
    reply.onProgress();
    const release = request.keep?.();
    if (!handle.send(PAYLOAD_BYTES, chunk, false, release)) request.pause();
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

function refusedMethod(method: string): LeverError {
  return new LeverError(
    "wrong_http_method",
    `Cannot pass on the request: ${method} is not for services.`,
  );
}
