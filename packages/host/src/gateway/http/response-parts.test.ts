import { LeverError, PAYLOAD_BYTES, PAYLOAD_JSON } from "@leveros/protocol";
import { expect, it } from "vitest";
import { methodErrorParts, problemParts, resultParts, serverTiming } from "./response-parts.ts";

const bytes = Buffer.from('"é"');
const call = { number: 1, isSampled: false, waitTimes: undefined };

it("a result has its kind's content type and its length in bytes", () => {
  expect(resultParts(PAYLOAD_JSON, bytes, call)).toEqual({
    status: 200,
    headers: { "content-type": "application/json", "content-length": 4 },
    body: bytes,
  });
  expect(resultParts(PAYLOAD_BYTES, bytes, call).headers).toMatchObject({
    "content-type": "application/octet-stream",
  });
});

it("a result of a call that waited says how long", () => {
  const waitTimes = { waitMs: 1.25, start: undefined };
  const { headers } = resultParts(PAYLOAD_JSON, bytes, { ...call, waitTimes });
  expect(headers).toMatchObject({ "server-timing": "wait;dur=1.3", "lever-call": "000-1" });
});

it("a result of a sampled call names the call", () => {
  const { headers } = resultParts(PAYLOAD_JSON, bytes, { ...call, isSampled: true });
  expect(headers).toMatchObject({ "lever-call": "000-1" });
});

it("the times of a start follow the time of waiting", () => {
  const start = { prepareMs: 1, launchMs: 2, isWarm: true, loadMs: 3 };
  expect(serverTiming({ waitMs: 7, start })).toBe(
    "wait;dur=7.0, prepare;dur=1.0, launch;dur=2.0;desc=warm, load;dur=3.0",
  );
});

it("an error of a method is marked as the method's", () => {
  expect(methodErrorParts(PAYLOAD_JSON, bytes, call)).toMatchObject({
    status: 500,
    headers: { "lever-error": "method", "lever-call": "000-1", "content-length": 4 },
  });
});

it.each([
  [new LeverError("unauthorized", "x"), { "www-authenticate": "Bearer" }],
  [new LeverError("wrong_http_method", "x"), { allow: "POST, OPTIONS" }],
  [new LeverError("overloaded", "x", { retryAfterSeconds: 3 }), { "retry-after": 3 }],
])("a problem has the headers of its code: %s", (error, headers) => {
  expect(problemParts(error).headers).toMatchObject({ "lever-error": "platform", ...headers });
});

it("a problem names its call, or has a number of its own", () => {
  const error = new LeverError("internal", "x");
  const parts = problemParts(error.ofCall("k7q-1"));
  expect(parts.headers).toMatchObject({ "lever-call": "k7q-1" });
  expect(JSON.parse(String(parts.body))).toMatchObject({ code: "internal", call: "k7q-1" });
  expect(problemParts(error).headers).toMatchObject({ "lever-call": expect.stringMatching(/-/) });
});

it("a problem's length counts bytes", () => {
  const { headers, body } = problemParts(new LeverError("internal", "é"));
  expect(headers["content-length"]).toBe(body.length);
});
