import { LeverError, PAYLOAD_BYTES, PAYLOAD_JSON, type PayloadKind } from "@leveros/protocol";
import type { OpenCall } from "../../router/router.ts";
import type { DoorOptions } from "../door-options.ts";
import type { Exchange, HttpRequest } from "./exchange.ts";
import { LineSplitter } from "./line-splitter.ts";
import { bodyTooSlow } from "./regular-call.ts";
import { requestQuery } from "./request-target.ts";
import { serverSentEvents } from "./stream-format.ts";
import { StreamReply } from "./stream-reply.ts";

/**
 * Carries one HTTP request for a streaming method, both directions at once. The first line of the body is the JSON
 * array of arguments. Then each line is a JSON message, or, as application/octet-stream, each chunk a bytes message.
 * The end of the request half-closes; the response is lines of JSON, or bytes, as the method sends them, or
 * server-sent events for who accepts those. Browsers' `EventSource` can only GET: it has its arguments in `?args=`.
 */
export function serveStreamingCall(
  { request, response, admitted }: Exchange,
  { router, limits }: DoorOptions,
): void {
  const kind = isEventSource(request) ? PAYLOAD_JSON : messageKind(request.headers["content-type"]);
  if (kind instanceof LeverError) throw kind;
  const lines = new LineSplitter(limits.bodyBytesMax);
  const reply = new StreamReply(request, response);
  let call: OpenCall | undefined;

  const timer = setTimeout(
    () => reply.onAbort(bodyTooSlow(limits.requestTimeoutMs)),
    limits.requestTimeoutMs,
  );

  const open = (args: Uint8Array): void => {
    clearTimeout(timer);
    call = router.call({ ...admitted, kind: PAYLOAD_JSON, body: args, hasMore: true }, reply);
    reply.call = call;
    if (acceptsEvents(request) && !reply.isOver) reply.begin(serverSentEvents);
  };
  const send = (bytes: Uint8Array): void => {
    if (bytes.length > 0 && call?.send(kind, bytes) === false) request.pause();
  };

  response.on("close", () => {
    clearTimeout(timer);
    if (reply.isOver) return;
    call?.abort(new LeverError("cancelled", "The caller closed its connection."));
  });
  if (isEventSource(request)) {
    open(Buffer.from(requestQuery(request).get("args") ?? "[]"));
    call?.end();
    return;
  }
  request.on("data", (chunk: Buffer) => {
    if (reply.isOver) return;
    let rest: Uint8Array = chunk;
    while (rest.length > 0 && (call === undefined || kind === PAYLOAD_JSON)) {
      const taken = lines.take(rest);
      if (lines.isTooLong) {
        const error = new LeverError(
          "too_large",
          `Cannot read the request: a line is over the limit of ${limits.bodyBytesMax} bytes.`,
        );
        call?.abort(error);
        reply.onAbort(error);
        return;
      }
      if (taken === undefined) return;
      rest = taken.rest;
      if (call === undefined) open(taken.line);
      else send(taken.line);
    }
    send(rest);
  });
  request.on("end", () => {
    if (reply.isOver) return;
    const rest = lines.takeRest();
    if (call === undefined) open(rest);
    else send(rest);
    call?.end();
  });
  request.on("error", () => {});
}

/** True for a request of a browser's `EventSource`, the one call that is made by GET. */
export function isEventSource(request: HttpRequest): boolean {
  return request.method === "GET" && acceptsEvents(request);
}

function acceptsEvents(request: HttpRequest): boolean {
  return request.headers.accept?.includes("text/event-stream") === true;
}

function messageKind(contentType: string | undefined): PayloadKind | LeverError {
  const type = contentType?.split(";")[0]?.trim().toLowerCase();
  if (type === "application/json" || type === "application/x-ndjson") return PAYLOAD_JSON;
  if (type === "application/octet-stream") return PAYLOAD_BYTES;
  return new LeverError(
    "malformed_request",
    "Cannot open the stream: allowed content types are application/json, application/x-ndjson and application/octet-stream.",
  );
}
