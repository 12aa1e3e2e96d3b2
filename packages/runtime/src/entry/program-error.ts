import { type ErrorCode, LeverError } from "@leveros/protocol";
import { codeOfStatus, status } from "../grpc/status.ts";
import { CANCEL, ENHANCE_YOUR_CALM, NO_ERROR, REFUSED_STREAM } from "../http2/frame.ts";
import type { Headers } from "../http2/header-decoder.ts";

/**
 * The error of a call that the program ended with a gRPC status: the same status and message for callers over gRPC, and
 * for others the code and the HTTP status that go with it.
 * @param trailers the headers or trailers with `grpc-status`.
 */
export function statusError(trailers: Headers): LeverError {
  const sent = Number(trailers["grpc-status"]);
  const message = decodeMessage(String(trailers["grpc-message"] ?? ""));
  const code = codeOfStatus(sent);
  if (sent === status.OK) return programFailed("it responded without a message");
  if (code === undefined) {
    // gRPC's own clients read an undefined status as UNKNOWN, too.
    const text = message || `The service's program responded with gRPC status ${sent}.`;
    return new LeverError("unknown", text, { grpcStatus: status.UNKNOWN });
  }
  // A program that passes a call on to Lever may pass on Lever's trailers, too.
  const isUnknownMethod = trailers["lever-code"] === "unknown_method";
  return new LeverError(
    isUnknownMethod ? "unknown_method" : code,
    message || `The service's program responded with gRPC status ${sent}.`,
    { grpcStatus: sent },
  );
}

/** True for the answer of a program that has no such method; to a hook, it means that there is none. */
export function isUnknownMethod({ code, message, grpcStatus }: LeverError): boolean {
  if (code === "unknown_method") return true;
  // The texts of Lever OS's own libraries for Go and JavaScript.
  return grpcStatus === status.UNKNOWN && /^(method not found|invalid method)$/i.test(message);
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The error of a call in which the program broke the protocol. gRPC's own clients report that as INTERNAL. */
export function programFailed(reason: string): LeverError {
  return new LeverError("internal", `The service's program failed the call: ${reason}.`, {
    grpcStatus: status.INTERNAL,
  });
}

/** The error of a call that the program ended without a gRPC status (grpc/doc/PROTOCOL-HTTP2.md, "Errors"). */
export function resetError(rstCode: number, httpStatus: unknown): LeverError {
  const fail = (code: ErrorCode, grpcStatus: number, reason: string): LeverError =>
    new LeverError(code, `The service's program ${reason}.`, { grpcStatus });
  switch (rstCode) {
    case NO_ERROR:
      return fail(
        "unknown",
        status.UNKNOWN,
        `responded without a gRPC status (HTTP status ${String(httpStatus)})`,
      );
    case REFUSED_STREAM:
      return fail("unavailable", status.UNAVAILABLE, "refused the call");
    case CANCEL:
      return fail("cancelled", status.CANCELLED, "cancelled the call");
    case ENHANCE_YOUR_CALM:
      return fail("resource_exhausted", status.RESOURCE_EXHAUSTED, "has too many calls");
    default:
      return programFailed(`it reset the call with HTTP/2 error ${rstCode}`);
  }
}

/** The error of a call whose connection to the program broke: the program has failed, and not the call. */
export function connectionBroke(): LeverError {
  return new LeverError(
    "instance_failed",
    "The service's program failed the call: its connection broke.",
  );
}

/** The error of a message that cannot be encoded for the program. */
export function asMalformed(error: unknown): LeverError {
  if (error instanceof LeverError) return error;
  return new LeverError("malformed_request", `Cannot forward the message: ${String(error)}.`);
}
