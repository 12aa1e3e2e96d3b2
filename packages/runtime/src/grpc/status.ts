import type { ErrorCode, LeverError } from "@leveros/protocol";

/** The gRPC statuses (grpc/doc/statuscodes.md). */
export const status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

const statusByCode: Readonly<Record<ErrorCode, number>> = {
  malformed_request: status.INVALID_ARGUMENT,
  wrong_method_kind: status.INVALID_ARGUMENT,
  invalid_service: status.INVALID_ARGUMENT,
  invalid_archive: status.INVALID_ARGUMENT,
  not_supported: status.UNIMPLEMENTED,
  unauthorized: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  private_service: status.PERMISSION_DENIED,
  unknown_environment: status.NOT_FOUND,
  unknown_service: status.NOT_FOUND,
  unknown_method: status.NOT_FOUND,
  not_found: status.NOT_FOUND,
  wrong_http_method: status.INVALID_ARGUMENT,
  expectation_failed: status.INVALID_ARGUMENT,
  request_timeout: status.DEADLINE_EXCEEDED,
  // Not ABORTED, which would invite retries.
  conflict: status.FAILED_PRECONDITION,
  too_large: status.RESOURCE_EXHAUSTED,
  unsupported_media_type: status.UNIMPLEMENTED,
  headers_too_large: status.RESOURCE_EXHAUSTED,
  cancelled: status.CANCELLED,
  internal: status.INTERNAL,
  instance_failed: status.UNAVAILABLE,
  start_failed: status.UNAVAILABLE,
  // The service has refused the resource. UNAVAILABLE would invite retries.
  resource_failed: status.UNKNOWN,
  overloaded: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  resource_unavailable: status.UNAVAILABLE,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  unknown: status.UNKNOWN,
  invalid_argument: status.INVALID_ARGUMENT,
  already_exists: status.ALREADY_EXISTS,
  permission_denied: status.PERMISSION_DENIED,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  failed_precondition: status.FAILED_PRECONDITION,
  aborted: status.ABORTED,
  out_of_range: status.OUT_OF_RANGE,
  data_loss: status.DATA_LOSS,
  unauthenticated: status.UNAUTHENTICATED,
  method_failed: status.INTERNAL,
  unreachable: status.UNAVAILABLE,
};

export type Trailers = Readonly<Record<string, string | number>>;

export const okTrailers: Trailers = { "grpc-status": status.OK };

/** The code of the error for a failed call, by its gRPC status. */
const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  [status.CANCELLED]: "cancelled",
  [status.UNKNOWN]: "unknown",
  [status.INVALID_ARGUMENT]: "invalid_argument",
  [status.DEADLINE_EXCEEDED]: "deadline_exceeded",
  [status.NOT_FOUND]: "not_found",
  [status.ALREADY_EXISTS]: "already_exists",
  [status.PERMISSION_DENIED]: "permission_denied",
  [status.RESOURCE_EXHAUSTED]: "resource_exhausted",
  [status.FAILED_PRECONDITION]: "failed_precondition",
  [status.ABORTED]: "aborted",
  [status.OUT_OF_RANGE]: "out_of_range",
  [status.UNIMPLEMENTED]: "unknown_method",
  [status.INTERNAL]: "internal",
  [status.UNAVAILABLE]: "unavailable",
  [status.DATA_LOSS]: "data_loss",
  [status.UNAUTHENTICATED]: "unauthenticated",
};

/** The code for a gRPC status of a program; undefined = gRPC defines no such failure. */
export function codeOfStatus(grpcStatus: number): ErrorCode | undefined {
  return codeByStatus[grpcStatus];
}

/** The trailers of a call that ends with an error: gRPC status, message, and Lever's stable code. */
export function errorTrailers(error: LeverError): Trailers {
  return {
    "grpc-status": error.grpcStatus ?? statusByCode[error.code],
    "grpc-message": encodeMessage(error.message),
    "lever-error": error.grpcStatus === undefined ? "platform" : "method",
    "lever-code": error.code,
  };
}

/** Percent-encodes the bytes that a header cannot contain (grpc/doc/PROTOCOL-HTTP2.md, "Percent-Byte-Encoded"). */
function encodeMessage(message: string): string {
  let encoded = "";
  for (const byte of Buffer.from(message.slice(0, 4_000), "utf8")) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
