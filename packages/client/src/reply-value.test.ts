import { PAYLOAD_BYTES, PAYLOAD_JSON, type Payload } from "@leveros/protocol";
import { expect, it } from "vitest";
import { methodFailed, replyValue } from "./reply-value.ts";

const json = (text: string): Payload => ({
  kind: PAYLOAD_JSON,
  bytes: new TextEncoder().encode(text),
});

it("bytes that are a part of the received memory are copied", () => {
  const received = Buffer.from([1, 2, 3]);
  const value = replyValue({ kind: PAYLOAD_BYTES, bytes: received.subarray(1) });
  received.fill(0);
  expect(value).toEqual(Buffer.from([2, 3]));
});

it("a reply that is not JSON is unreachable", () => {
  expect(() => replyValue(json("{"))).toThrow(expect.objectContaining({ code: "unreachable" }));
});

it.each([
  ['"Too loud."', "Too loud."],
  ['{"code":1}', '{"code":1}'],
  ["null", "null"],
])("the message of a method that failed with %s is %s", (text, message) => {
  expect(methodFailed(json(text))).toMatchObject({
    code: "method_failed",
    message,
    value: JSON.parse(text),
  });
});

it("methodFailed returns the error of a value that is not JSON", () => {
  expect(methodFailed(json("{"))).toMatchObject({ code: "unreachable" });
});
