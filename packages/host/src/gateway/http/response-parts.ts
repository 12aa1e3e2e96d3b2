import {
  type LeverError,
  PAYLOAD_BYTES,
  type PayloadKind,
  type WaitTimes,
} from "@leveros/protocol";

/** Names the source of the failure in each failed response: `method` or `platform`. */
const ERROR_HEADER = "lever-error";
/** The codings of bodies that Lever reads (RFC 9110, 8.4.1). */
export const codings = ["gzip", "br", "deflate"] as const;

export type Headers = Readonly<Record<string, string | number>>;

/** A response before it is written. */
export interface ResponseParts {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** The response to a regular call that has returned. */
export function resultParts(
  kind: PayloadKind,
  bytes: Uint8Array,
  waitTimes: WaitTimes | undefined,
): ResponseParts {
  const headers = {
    "content-type": contentType(kind),
    "content-length": bytes.length,
    ...(waitTimes !== undefined && { "server-timing": serverTiming(waitTimes) }),
  };
  return { status: 200, headers, body: bytes };
}

/** The response with the value that a method failed with. */
export function methodErrorParts(kind: PayloadKind, bytes: Uint8Array): ResponseParts {
  const headers = {
    "content-type": contentType(kind),
    "content-length": bytes.length,
    [ERROR_HEADER]: "method",
  };
  return { status: 500, headers, body: bytes };
}

/** The response with Lever's own error, or a gRPC status of the service's program, as a problem (RFC 9457). */
export function problemParts(error: LeverError): ResponseParts {
  const problem = error.toProblem();
  const body = Buffer.from(JSON.stringify(problem));
  const headers = {
    "content-type": "application/problem+json",
    "content-length": body.length,
    [ERROR_HEADER]: error.grpcStatus === undefined ? "platform" : "method",
    ...(error.code === "unauthorized" && { "www-authenticate": "Bearer" }),
    ...(error.code === "wrong_http_method" && { allow: "POST, OPTIONS" }),
    ...(error.code === "unsupported_media_type" && { "accept-encoding": codings.join(", ") }),
    ...(error.retryAfterSeconds !== undefined && { "retry-after": error.retryAfterSeconds }),
  };
  return { status: problem.status, headers, body };
}

/** The times that a call waited, in milliseconds, as a Server-Timing header (W3C Server Timing). */
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
