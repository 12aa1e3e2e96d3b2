import { LeverError } from "@leveros/protocol";
import { expect, it } from "vitest";
import { asMalformed, isUnknownMethod, resetError, statusError } from "./program-error.ts";

const ended = (status: number | string, message?: string): LeverError =>
  statusError({ "grpc-status": String(status), "grpc-message": message });

it.each([
  [1, "cancelled", 499],
  [2, "unknown", 500],
  [3, "invalid_argument", 400],
  [4, "deadline_exceeded", 504],
  [5, "not_found", 404],
  [6, "already_exists", 409],
  [7, "permission_denied", 403],
  [8, "resource_exhausted", 429],
  [9, "failed_precondition", 400],
  [10, "aborted", 409],
  [11, "out_of_range", 400],
  [12, "unknown_method", 404],
  [13, "internal", 500],
  [14, "unavailable", 503],
  [15, "data_loss", 500],
  [16, "unauthenticated", 401],
])("a program's gRPC status %i is the error %s with HTTP status %i", (grpcStatus, code, status) => {
  const error = ended(grpcStatus, "why");
  expect(error).toMatchObject({ code, grpcStatus, message: "why" });
  expect(error.toProblem()).toMatchObject({ status, grpcStatus });
});

it.each([0, 17, "no number", -1])(
  "the gRPC status %j of a failed call is a fault of the program",
  (status) => {
    expect([2, 13]).toContain(ended(status).grpcStatus);
  },
);

it("a gRPC status without a message is an error that names it", () => {
  expect(ended(5).message).toBe("The service's program responded with gRPC status 5.");
});

it("the message of a gRPC status is decoded, and kept when it cannot be", () => {
  expect(ended(1, "100%25 %C3%A9").message).toBe("100% é");
  expect(ended(1, "100%").message).toBe("100%");
});

it.each([
  [ended(12), true],
  [ended(2, "Method not found"), true],
  [ended(2, "Invalid method"), true],
  [statusError({ "grpc-status": "5", "lever-code": "unknown_method" }), true],
  [ended(2, "Resource already exists"), false],
  [ended(5, "Method not found"), false],
])(
  "only the answers of libraries without a method mean that there is none: %s",
  (error, isUnknown) => {
    expect(isUnknownMethod(error)).toBe(isUnknown);
  },
);

it.each([
  [0, "unknown", "responded without a gRPC status (HTTP status 404)"],
  [7, "unavailable", "refused the call"],
  [8, "cancelled", "cancelled the call"],
  [11, "resource_exhausted", "has too many calls"],
  [2, "internal", "reset the call with HTTP/2 error 2"],
])("a program's reset with HTTP/2 error %i is the error %s", (rstCode, code, reason) => {
  const error = resetError(rstCode, 404);
  expect(error.code).toBe(code);
  expect(error.message).toContain(reason);
  expect(error.grpcStatus).toBeGreaterThan(0);
});

it("an error of the encoder is a malformed request, a LeverError stays as it is", () => {
  expect(asMalformed(new Error("too deep")).code).toBe("malformed_request");
  const error = new LeverError("too_large", "no");
  expect(asMalformed(error)).toBe(error);
});
