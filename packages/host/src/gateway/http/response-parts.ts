import {
  formatCallId,
  type LeverError,
  PAYLOAD_BYTES,
  type PayloadKind,
  type WaitTimes,
} from "@leveros/protocol";
import { nextCallNumber } from "../../router/call-numbers.ts";

/** Names the source of the failure in each failed response: `method` or `platform`. */
const ERROR_HEADER = "lever-error";
/** The id of the call, in responses of calls that failed, waited or whose caller asks for it, and in heads of streams. */
export const CALL_HEADER = "lever-call";
/** The codings of bodies that Lever reads (RFC 9110, 8.4.1). */
export const codings = ["gzip", "br", "deflate"] as const;

export type Headers = Readonly<Record<string, string | number>>;

/** A response before it is written. */
export interface ResponseParts {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** The call of a response. */
export interface AnsweredCall {
  readonly number: number;
  readonly isSampled: boolean;
  /** undefined = it did not wait. */
  readonly waitTimes: WaitTimes | undefined;
}

/** The response to a regular call that has returned. */
export function resultParts(
  kind: PayloadKind,
  bytes: Uint8Array,
  call: AnsweredCall,
): ResponseParts {
  const headers = {
    "content-type": contentType(kind),
    "content-length": bytes.length,
    ...callHeaders(call),
  };
  return { status: 200, headers, body: bytes };
}

/** The fields of a successful response that few calls have. */
export function callHeaders({ number, isSampled, waitTimes }: AnsweredCall): Headers {
  return {
    ...(waitTimes !== undefined && { "server-timing": serverTiming(waitTimes) }),
    ...((waitTimes !== undefined || isSampled) && { [CALL_HEADER]: formatCallId(number) }),
  };
}

/** The response with the value that a method failed with. */
export function methodErrorParts(
  kind: PayloadKind,
  bytes: Uint8Array,
  { number }: Pick<AnsweredCall, "number">,
): ResponseParts {
  const headers = {
    "content-type": contentType(kind),
    "content-length": bytes.length,
    [ERROR_HEADER]: "method",
    [CALL_HEADER]: formatCallId(number),
  };
  return { status: 500, headers, body: bytes };
}

/**
 * The response with Lever's own error, or a gRPC status of the service's program, as a problem (RFC 9457). A request that
 * was refused before it made a call gets the number of one as well.
 */
export function problemParts(refusal: LeverError): ResponseParts {
  const call = refusal.call ?? formatCallId(nextCallNumber());
  const error = refusal.ofCall(call);
  const problem = error.toProblem();
  const body = Buffer.from(JSON.stringify(problem));
  const headers = {
    "content-type": "application/problem+json",
    "content-length": body.length,
    [ERROR_HEADER]: error.grpcStatus === undefined ? "platform" : "method",
    [CALL_HEADER]: call,
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
