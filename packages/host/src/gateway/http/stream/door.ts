import {
  LeverError,
  type MessageKind,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  PAYLOAD_LINES,
  type PayloadKind,
} from "@leveros/protocol";
import { BodyReservation, tooManyBodies } from "../../body-budget.ts";
import { countPassed } from "../../buffer-garbage.ts";
import type { DoorOptions } from "../../door-options.ts";
import { bodyTooSlow } from "../body.ts";
import { contentCoding } from "../content-coding.ts";
import { DecodedBody, type RequestContent } from "../decoded-body.ts";
import { discardBody } from "../discard-body.ts";
import type { Exchange, HttpRequest } from "../exchange.ts";
import { requestQuery } from "../request-target.ts";
import { LAST_EVENT_ID } from "./format.ts";
import { LineSplitter } from "./line-splitter.ts";
import { StreamReply } from "./reply.ts";

/**
 * Carries one HTTP request for a streaming method, both directions at once. The first line of the body is the JSON array of
 * arguments. Each further line is a JSON message; as application/octet-stream, each chunk is a bytes message. The end of
 * the request half-closes.
 *
 * The response has lines of JSON, or bytes, as the method sends them; callers that accept server-sent events get those. An
 * `EventSource` of a browser can only GET: its arguments are in `?args=`. It connects again after each end, so the one of a
 * stream that is over is answered with 204, which makes it stop.
 */
export function serveStream(exchange: Exchange, options: DoorOptions): void {
  const { request, response, admitted, call } = exchange;
  const { router, limits, clock, budget } = options;
  if (acceptsEvents(request) && request.headers["last-event-id"] === LAST_EVENT_ID) {
    response.writeHead(204, { "cache-control": "no-store" });
    response.end();
    discardBody(request);
    return;
  }
  const kind = isEventSource(request) ? PAYLOAD_JSON : messageKind(request.headers["content-type"]);
  if (kind instanceof LeverError) throw kind;
  // An EventSource sends no body.
  const coding = isEventSource(request)
    ? undefined
    : contentCoding(request.headers["content-encoding"]);
  const content: RequestContent =
    coding === undefined ? request : new DecodedBody(request, coding, budget);
  const lines = new LineSplitter(limits.bodyBytesMax);
  const reply = new StreamReply(exchange, content, options);
  if (acceptsEvents(request)) reply.awaitEvents({ clock, pingIntervalMs: limits.pingIntervalMs });

  const timer = clock.setTimeout(
    () => reply.onAbort(bodyTooSlow(limits.requestTimeoutMs)),
    limits.requestTimeoutMs,
  );
  const reservation = new BodyReservation(budget);
  response.on("close", () => {
    clock.clearTimeout(timer);
    reservation.release();
  });

  const open = (args: Uint8Array): void => {
    clock.clearTimeout(timer);
    const opening = { ...admitted, ...call, kind: PAYLOAD_JSON, body: args } as const;
    reply.call = router.open(opening, reply, true);
  };
  const send = (bytes: Uint8Array, sentKind: MessageKind = kind): void => {
    if (bytes.length === 0) return;
    const release = content.keep?.();
    if (reply.call?.send(sentKind, bytes, false, release) === false) content.pause();
  };

  if (isEventSource(request)) {
    open(Buffer.from(requestQuery(request).get("args") ?? "[]"));
    reply.call?.end();
    return;
  }
  content.on("data", (chunk: Buffer) => {
    if (reply.isOver) return;
    countPassed(chunk.length);
    let rest: Uint8Array = chunk;
    while (rest.length > 0 && (reply.call === undefined || kind === PAYLOAD_JSON)) {
      const several = reply.call && lines.takeSeveral(rest);
      if (several !== undefined) {
        send(several.lines, PAYLOAD_LINES);
        rest = several.rest;
        continue;
      }
      const taken = lines.take(rest);
      if (lines.isTooLong) {
        reply.fail(lineTooLong(limits.bodyBytesMax));
        return;
      }
      if (!reservation.hold(lines.pendingBytes)) {
        reply.fail(tooManyBodies());
        return;
      }
      if (taken === undefined) return;
      rest = taken.rest;
      if (reply.call === undefined) open(content.keep ? Buffer.from(taken.line) : taken.line);
      else send(taken.line);
    }
    send(rest);
  });
  content.on("end", () => {
    if (reply.isOver) return;
    const rest = lines.takeRest();
    if (reply.call === undefined) open(rest);
    else send(rest);
    reply.call?.end();
  });
  content.on("error", (error) => {
    if (error instanceof LeverError && !reply.isOver) reply.fail(error);
  });
}

/** True for the request of a browser's `EventSource`, the only call that is made by GET, and for its HEAD. */
export function isEventSource(request: HttpRequest): boolean {
  return (request.method === "GET" || request.method === "HEAD") && acceptsEvents(request);
}

function acceptsEvents(request: HttpRequest): boolean {
  return request.headers.accept?.toLowerCase().includes("text/event-stream") === true;
}

function messageKind(contentType: string | undefined): PayloadKind | LeverError {
  const type = contentType?.split(";")[0]?.trim().toLowerCase();
  if (type === "application/json" || type === "application/x-ndjson") return PAYLOAD_JSON;
  if (type === "application/octet-stream") return PAYLOAD_BYTES;
  return new LeverError(
    "unsupported_media_type",
    "Cannot open the stream: allowed content types are application/json, application/x-ndjson and application/octet-stream.",
  );
}

function lineTooLong(bytesMax: number): LeverError {
  return new LeverError(
    "too_large",
    `Cannot read the request: a line is over the limit of ${bytesMax} bytes.`,
  );
}
