import { expect, it } from "vitest";
import { PAYLOAD_BYTES, PAYLOAD_JSON } from "./call.ts";
import { encodedOnce } from "./encoded-once.ts";

it("a payload is encoded once for all who get it in turn", () => {
  let encoded = 0;
  const encode = encodedOnce((kind, bytes) => `${kind} ${bytes.length} ${++encoded}`);
  const [first, second] = [new Uint8Array(3), new Uint8Array(3)];
  const results = [first, first, second, second, first].map((bytes) => encode(PAYLOAD_JSON, bytes));
  expect(results).toEqual(["0 3 1", "0 3 1", "0 3 2", "0 3 2", "0 3 3"]);
  expect(encode(PAYLOAD_BYTES, first)).toBe("1 3 4");
});

it("the encoding of a payload over 64 KiB is not kept", () => {
  let encoded = 0;
  const encode = encodedOnce(() => ++encoded);
  const large = new Uint8Array(64 * 1024 + 1);
  expect([encode(PAYLOAD_JSON, large), encode(PAYLOAD_JSON, large)]).toEqual([1, 2]);
});
