import { LeverError } from "@leveros/protocol";
import { expect, it } from "vitest";
import { errorTrailers } from "./status.ts";

it("an error's trailers have gRPC's status, Lever's code and the message", () => {
  expect(errorTrailers(new LeverError("unknown_method", "There is no method x."))).toEqual({
    "grpc-status": 5,
    "grpc-message": "There is no method x.",
    "lever-error": "platform",
    "lever-code": "unknown_method",
  });
});

it("a trailer's message is percent-encoded and truncated", () => {
  const trailers = errorTrailers(new LeverError("internal", `100 %\n${"é".repeat(10_000)}`));
  const message = String(trailers["grpc-message"]);
  expect(message).toMatch(/^100 %25%0A(%C3%A9)+$/);
  expect(message.length).toBeLessThan(25_000);
});
