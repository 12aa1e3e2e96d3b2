import { expect, it } from "vitest";
import { LeverError } from "../errors.ts";
import { CHUNK_BYTES } from "./frame.ts";
import { decodeAbort, decodeJson, encodeAbort, encodeJson } from "./json-payload.ts";

const encoder = new TextEncoder();

it("an abort carries code, message and when to try again", () => {
  const error = new LeverError("overloaded", "Cannot take the call: full.", {
    retryAfterSeconds: 3,
  });
  const { code, message, retryAfterSeconds } = decodeAbort(encodeAbort(error));
  expect([code, message, retryAfterSeconds]).toEqual([
    "overloaded",
    "Cannot take the call: full.",
    3,
  ]);
});

it("the longest message of an abort fits one frame", () => {
  const error = new LeverError("malformed_request", "\u0001".repeat(1_000_000));
  expect(encodeAbort(error).length).toBeLessThanOrEqual(2 * CHUNK_BYTES);
});

it.each(["null", "7", "{}", '{"code":"nonsense","message":1,"retryAfterSeconds":"x"}'])(
  "the abort %s is an internal error",
  (payload) => {
    const error = decodeAbort(encoder.encode(payload));
    expect(error).toMatchObject({ code: "internal", message: "The call was aborted." });
    expect(error.retryAfterSeconds).toBeUndefined();
  },
);

it("a control message is decoded as it was encoded", () => {
  expect(decodeJson(encodeJson({ a: ["ü", null] }))).toEqual({ a: ["ü", null] });
});

it("a payload that is not JSON is an error", () => {
  expect(() => decodeJson(encoder.encode("{"))).toThrow(
    "Cannot read a frame: its payload is not JSON.",
  );
});
