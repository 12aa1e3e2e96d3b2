import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type LeverError, PAYLOAD_BYTES, type PayloadKind } from "@leveros/protocol";
import type { WaitTimes } from "../../router/routed-call.ts";
import type { HttpResponse } from "./exchange.ts";

/** Says in each failed answer who failed: the method itself, or Lever. */
const ERROR_HEADER = "lever-error";

type Headers = Readonly<Record<string, string | number>>;

/** Answers a regular call with its result. */
export function answerResult(
  response: HttpResponse,
  payload: { kind: PayloadKind; bytes: Uint8Array },
  waitTimes: WaitTimes | undefined,
): void {
  response.writeHead(200, resultHeaders(payload, waitTimes));
  endWith(response, payload.bytes);
}

export function resultHeaders(
  { kind, bytes }: { kind: PayloadKind; bytes: Uint8Array },
  waitTimes: WaitTimes | undefined,
): Headers {
  return {
    "content-type": contentType(kind),
    "content-length": bytes.length,
    ...(waitTimes !== undefined && { "server-timing": serverTiming(waitTimes) }),
  };
}

/** Answers with the value that the method failed with. */
export function sendMethodError(
  response: HttpResponse,
  payload: { kind: PayloadKind; bytes: Uint8Array },
): void {
  response.writeHead(500, methodErrorHeaders(payload));
  endWith(response, payload.bytes);
}

export function methodErrorHeaders({
  kind,
  bytes,
}: {
  kind: PayloadKind;
  bytes: Uint8Array;
}): Headers {
  return {
    "content-type": contentType(kind),
    "content-length": bytes.length,
    [ERROR_HEADER]: "method",
  };
}

/** Up to this size a body is worth copying into the write of its headers. */
const ONE_WRITE_BYTES = 16 * 1024;

/**
 * Ends the response with a body. A small one goes as text of one byte a character: Node then sends it in one piece
 * with the headers, which is cheaper than gathering two pieces in the system.
 */
function endWith(response: HttpResponse, bytes: Uint8Array): void {
  if (bytes.length > ONE_WRITE_BYTES) {
    response.end(bytes);
    return;
  }
  const { buffer, byteOffset, length } = bytes;
  response.end(Buffer.from(buffer, byteOffset, length).toString("latin1"), "latin1");
}

/** Answers with Lever's own refusal or failure (RFC 9457). */
export function sendProblem(response: HttpResponse, error: LeverError): void {
  if (response.headersSent || response.destroyed === true) {
    response.destroy();
    return;
  }
  const { status, headers, body } = problemAnswer(error);
  response.writeHead(status, headers);
  response.end(body);
}

/** The same over HTTP/1 where there is no response object; the connection ends with it. */
export function sendProblemAndClose(socket: Duplex, error: LeverError): void {
  const { status, headers, body } = problemAnswer(error);
  const lines = Object.entries({ ...headers, connection: "close" }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.join("")}\r\n${body}`);
}

/** The same, at the latest after the time, whatever else the caller sends. */
export function rejectConnection(socket: Socket, error: LeverError, timeoutMs: number): void {
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  socket.on("close", () => clearTimeout(timer));
  // What is not read would reset the connection before the answer is.
  socket.resume();
  sendProblemAndClose(socket, error);
}

/** The parts of a problem answer. */
export function problemAnswer(error: LeverError): {
  status: number;
  headers: Headers;
  body: string;
} {
  const problem = error.toProblem();
  const body = JSON.stringify(problem);
  return {
    status: problem.status,
    headers: {
      "content-type": "application/problem+json",
      "content-length": Buffer.byteLength(body),
      [ERROR_HEADER]: "platform",
      ...(error.code === "unauthorized" && { "www-authenticate": "Bearer" }),
      ...(error.code === "wrong_http_method" && { allow: "POST, OPTIONS" }),
      ...(error.retryAfterSeconds !== undefined && { "retry-after": error.retryAfterSeconds }),
    },
    body,
  };
}

/** What a call waited for, as the Server-Timing header has it (W3C Server Timing), in milliseconds. */
export function serverTiming({ waitMs, start }: WaitTimes): string {
  const metric = (name: string, ms: number): string => `${name};dur=${ms.toFixed(1)}`;
  const phases =
    start === undefined
      ? []
      : [
          metric("prepare", start.prepareMs),
          `${metric("launch", start.launchMs)}${start.isWarm ? ";desc=warm" : ""}`,
          metric("load", start.loadMs),
        ];
  return [metric("wait", waitMs), ...phases].join(", ");
}

function contentType(kind: PayloadKind): string {
  return kind === PAYLOAD_BYTES ? "application/octet-stream" : "application/json";
}
