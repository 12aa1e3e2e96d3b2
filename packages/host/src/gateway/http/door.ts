import { isStreamingName, LeverError } from "@leveros/protocol";
import { asLeverError } from "../../logs/as-lever-error.ts";
import { BodyReservation } from "../body-budget.ts";
import type { DoorOptions } from "../door-options.ts";
import { readBody } from "./body.ts";
import { askedTimeoutMs } from "./call-timeout.ts";
import { allowReading, answerOptions } from "./cors.ts";
import { discardBody } from "./discard-body.ts";
import type { Exchange, HttpRequest, HttpResponse } from "./exchange.ts";
import { payloadKind } from "./payload-kind.ts";
import { RegularReply } from "./reply.ts";
import { requestTarget } from "./request-target.ts";
import { isEventSource, serveStream } from "./stream/door.ts";
import { writeProblem } from "./write-response.ts";

/** Carries one HTTP request, of HTTP/1.1 or HTTP/2: finds its target, admits it, and makes its call. */
export function serveHttp(
  request: HttpRequest,
  response: HttpResponse,
  options: DoorOptions,
): void {
  const { admission, limits, log } = options;
  try {
    const target = requestTarget(request);
    const origin = admission.readableOrigin(target.environment, request);
    if (origin !== undefined) allowReading(response, origin);
    if (request.method === "OPTIONS") {
      admission.admitPreflight(target.environment, request);
      answerOptions(request, response);
      return;
    }
    const isStream = isStreamingName(target.method);
    const askedMs = askedTimeoutMs(request, limits);
    const door = isEventSource(request) ? "eventSource" : "http";
    const admitted = admission.admitCall({ door, target, request, isStream, askedMs });
    const exchange = { request, response, admitted };
    if (isStream) serveStream(exchange, options);
    else serveRegularCall(exchange, options);
  } catch (error) {
    writeProblem(response, asLeverError(error, log, "gateway"));
    discardBody(request);
  }
}

/** Reads the complete body, makes one call, and writes its one reply. */
function serveRegularCall({ request, response, admitted }: Exchange, options: DoorOptions): void {
  const { router, limits, clock, budget } = options;
  const kind = payloadKind(request.headers["content-type"]);
  const reservation = new BodyReservation(budget);
  // A response closes once it is sent, or when its caller disconnects.
  response.on("close", () => reservation.release());
  readBody(request, { limits, clock, reservation }, (body) => {
    if (body instanceof LeverError) {
      writeProblem(response, body);
      discardBody(request);
      return;
    }
    const reply = new RegularReply(response);
    reply.call = router.open({ ...admitted, kind, body }, reply, false);
  });
}
