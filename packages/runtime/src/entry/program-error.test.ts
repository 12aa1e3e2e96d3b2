import { LeverError } from "@leveros/protocol";
import { expect, it } from "vitest";
import { asMalformed, statusError } from "./program-error.ts";

it.each([
  [1, "cancelled", "The service cancelled the call."],
  [3, "malformed_request", "The service cannot read the call."],
  [4, "deadline_exceeded", "The call's deadline has passed."],
  [8, "overloaded", "The service is overloaded."],
  [12, "unknown_method", "The service has no such method."],
  [
    13,
    "instance_failed",
    "The service's program failed the call: it responded with gRPC status 13.",
  ],
])("gRPC status %i without a message is the error %s", (status, code, message) => {
  expect(statusError(status, undefined)).toMatchObject({ code, message });
});

it("the message of a gRPC status is decoded, and kept when it cannot be", () => {
  expect(statusError(1, "100%25 %C3%A9")).toMatchObject({ message: "100% é" });
  expect(statusError(1, "100%")).toMatchObject({ message: "100%" });
  expect(statusError(13, "by itself").message).toContain("gRPC status 13: by itself.");
});

it("an error of the encoder is a malformed request, a LeverError stays as it is", () => {
  expect(asMalformed(new Error("too deep")).code).toBe("malformed_request");
  const error = new LeverError("too_large", "no");
  expect(asMalformed(error)).toBe(error);
});
