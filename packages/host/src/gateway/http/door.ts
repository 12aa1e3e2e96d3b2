import { isStreamingName, LeverError, type LeverUrl } from "@leveros/protocol";
import { asLeverError } from "../../logs/as-lever-error.ts";
import { admitHead } from "../admit-head.ts";
import { BodyReservation, tooManyBodies } from "../body-budget.ts";
import { numberCall } from "../call-marks.ts";
import type { DoorOptions } from "../door-options.ts";
import { servePlatform, serveRoot } from "../platform/door.ts";
import { calledTarget } from "../sites/called-target.ts";
import { serveSite } from "../sites/door.ts";
import { acceptsPage, failureParts, writeFailure } from "../sites/failure.ts";
import { readBody } from "./body.ts";
import { askedTimeoutMs } from "./call-timeout.ts";
import { acceptedCoding, contentCoding, decodeBody } from "./content-coding.ts";
import { allowReading, answerOptions } from "./cors.ts";
import { discardBody } from "./discard-body.ts";
import type { Exchange, HttpRequest, HttpResponse } from "./exchange.ts";
import { isBodyAwaited } from "./expectation.ts";
import { isGrpcType, payloadKind } from "./payload-kind.ts";
import { RegularReply } from "./reply.ts";
import { isEventSource, serveStream } from "./stream/door.ts";
import { serverSentEvents } from "./stream/format.ts";
import { writeProblem } from "./write-response.ts";

/** Carries one HTTP request, of HTTP/1.1 or HTTP/2: finds its target, admits it, and makes its call. */
export function serveHttp(
  request: HttpRequest,
  response: HttpResponse,
  options: DoorOptions,
): void {
  const { admission, limits, log } = options;
  let target: LeverUrl | undefined;
  try {
    if (serveSite(request, response, options)) return;
    if (servePlatform(request, response, options)) return;
    if (serveRoot(request, response, options)) return;
    target = calledTarget(request, options.router.sites);
    const origin = admission.readableOrigin(target.environment, request);
    if (origin !== undefined) allowReading(response, origin);
    if (request.method === "OPTIONS") {
      admission.admitPreflight(target.environment, request);
      answerOptions(request, response, admission.allowedMethods(target));
      return;
    }
    const isExpecting = isBodyAwaited(request);
    refuseGrpc(request);
    const isStream = isStreamingName(target.method);
    const askedMs = askedTimeoutMs(request, limits);
    const door = isEventSource(request) ? "eventSource" : "http";
    const admitted = admitHead(options, { door, target, request, isStream, askedMs });
    const call = numberCall(request.headers, limits);
    const exchange = { request, response, admitted, call };
    if (request.method === "HEAD") answerHead(response);
    else if (isStream) serveStream(exchange, options);
    else serveRegularCall(exchange, options);
    if (isExpecting && !response.headersSent) response.writeContinue();
  } catch (error) {
    const problem = asLeverError(error, log, "gateway");
    const allow =
      target !== undefined && problem.code === "wrong_http_method"
        ? { allow: admission.allowedMethods(target) }
        : undefined;
    const isPage = request.method === "GET" && acceptsPage(request.headers);
    if (isPage) writeFailure(response, failureParts(problem, request.headers), allow);
    else writeProblem(response, problem, allow);
    discardBody(request);
  }
}

/** The head of the answer to a GET, which would make the call. */
function answerHead(response: HttpResponse): void {
  response.writeHead(200, { "content-type": serverSentEvents.contentType });
  response.end();
}

/** Reads the complete body, makes one call, and writes its one reply. */
function serveRegularCall(exchange: Exchange, options: DoorOptions): void {
  const { request, response, admitted, call: numbered } = exchange;
  const { router, limits, clock, budget } = options;
  const { headers } = request;
  const coding = contentCoding(headers["content-encoding"]);
  const kind = payloadKind(headers["content-type"]);
  const reservation = new BodyReservation(budget);
  // A response closes once it is sent, or when its caller disconnects.
  response.on("close", () => reservation.release());
  const call = (body: Uint8Array | LeverError): void => {
    if (body instanceof LeverError) {
      writeProblem(response, body);
      discardBody(request);
      return;
    }
    const asked = acceptedCoding(headers["accept-encoding"]);
    const reply = new RegularReply(response, asked, { ...options, ...numbered });
    reply.call = router.open({ ...admitted, ...numbered, kind, body }, reply, false);
  };
  readBody(request, { limits, clock, reservation }, (body) => {
    if (body instanceof LeverError || coding === undefined) {
      call(body);
      return;
    }
    decodeBody(body, { coding, bytesMax: limits.bodyBytesMax }, (decoded) => {
      // The caller has left.
      if (response.destroyed === true) return;
      const isHeld = decoded instanceof LeverError || reservation.hold(decoded.length);
      call(isHeld ? decoded : tooManyBodies());
    });
  });
}

/** gRPC-Web, and gRPC that did not come over HTTP/2 or has another form than protobuf. */
function refuseGrpc({ headers }: HttpRequest): void {
  if (!isGrpcType(headers["content-type"])) return;
  throw new LeverError(
    "unsupported_media_type",
    "Cannot read the request: gRPC is served over HTTP/2 as application/grpc, and gRPC-Web is not. Call the method over plain HTTP instead.",
  );
}
