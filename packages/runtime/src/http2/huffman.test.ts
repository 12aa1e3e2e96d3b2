import { expect, it } from "vitest";
import { decodeHuffman } from "./huffman.ts";

const decode = (hex: string): string => decodeHuffman(Buffer.from(hex, "hex"));

// RFC 7541, appendix C.4 and C.6.
it.each([
  ["f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"],
  ["a8eb10649cbf", "no-cache"],
  ["25a849e95bb8e8b4bf", "custom-value"],
  ["d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"],
  ["", ""],
])("the code %s is the text %j", (hex, text) => {
  expect(decode(hex)).toBe(text);
});

it.each([
  ["ffffffff", "more padding than a byte"],
  ["a8eb10649c", "a code that is cut off"],
  ["00000000", "padding that is not of ones"],
])("%s is refused: %s", (hex) => {
  expect(() => decode(hex)).toThrow("a text in a header");
});
