import type { ErrorCode, LeverError } from "@leveros/protocol";

/** The gRPC status codes that Lever uses (grpc/doc/statuscodes.md). */
const status = {
  OK: 0,
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
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
  wrong_http_method: status.INVALID_ARGUMENT,
  request_timeout: status.DEADLINE_EXCEEDED,
  too_large: status.RESOURCE_EXHAUSTED,
  headers_too_large: status.RESOURCE_EXHAUSTED,
  cancelled: status.CANCELLED,
  internal: status.INTERNAL,
  instance_failed: status.UNAVAILABLE,
  start_failed: status.UNAVAILABLE,
  resource_failed: status.UNAVAILABLE,
  overloaded: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  method_failed: status.INTERNAL,
  unreachable: status.UNAVAILABLE,
};

export type Trailers = Readonly<Record<string, string | number>>;

export const okTrailers: Trailers = { "grpc-status": status.OK };

/** The trailers of a call that ends with Lever's own error: gRPC status, message, and Lever's stable code. */
export function errorTrailers(error: LeverError): Trailers {
  return {
    "grpc-status": statusByCode[error.code],
    "grpc-message": encodeMessage(error.message),
    "lever-error": "platform",
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
