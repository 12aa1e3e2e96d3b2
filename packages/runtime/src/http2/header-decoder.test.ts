import { describe, expect, it } from "vitest";
import { encodeHeader, encodeName, HeaderBlock } from "./header-block.ts";
import { HeaderDecoder, type Headers, lastValues } from "./header-decoder.ts";

const newDecoder = (): HeaderDecoder<Headers> =>
  new HeaderDecoder({ listBytesMax: 16_384, read: lastValues });

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

describe("the responses of RFC 7541, appendix C.6", () => {
  const decoder = newDecoder();
  // The examples have a table of 256 bytes, which is announced here.
  it.each([
    [
      "3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
      {
        ":status": "302",
        "cache-control": "private",
        date: "Mon, 21 Oct 2013 20:13:21 GMT",
        location: "https://www.example.com",
      },
    ],
    [
      "4883 640e ffc1 c0bf",
      {
        ":status": "307",
        "cache-control": "private",
        date: "Mon, 21 Oct 2013 20:13:21 GMT",
        location: "https://www.example.com",
      },
    ],
    [
      "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
      {
        ":status": "200",
        "cache-control": "private",
        date: "Mon, 21 Oct 2013 20:13:22 GMT",
        location: "https://www.example.com",
        "content-encoding": "gzip",
        "set-cookie": "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
      },
    ],
  ])("%s is decoded", (hex, headers) => {
    expect({ ...decoder.decode(bytes(hex)) }).toEqual(headers);
  });
});

it("a block that refers to the table has other headers after the table has changed", () => {
  const decoder = newDecoder();
  const added = (value: string): Buffer =>
    Buffer.concat([bytes("40 01 61 01"), Buffer.from(value)]);
  const newest = bytes("be");
  for (const value of ["1", "2"]) {
    decoder.decode(added(value));
    expect({ ...decoder.decode(newest) }).toEqual({ a: value });
    expect({ ...decoder.decode(newest) }).toEqual({ a: value });
  }
});

it.each([
  ["80", "unknown index 0"],
  ["be", "unknown index 62"],
  ["3fe21f", "the table of headers is too large"],
  ["40", "a header is cut off"],
  ["0003 6162", "a header is cut off"],
  ["ffffffffffff", "a number in a header is too large"],
])("the block %s is refused: %s", (hex, reason) => {
  expect(() => newDecoder().decode(bytes(hex))).toThrow(reason);
});

it("a table without bytes keeps no entry", () => {
  const decoder = newDecoder();
  decoder.decode(bytes("20 40 01 61 01 62"));
  expect(() => decoder.decode(bytes("be"))).toThrow("unknown index 62");
});

it.each([0, 1, 126, 127, 128, 254, 255, 5_000])(
  "a value of %i characters is decoded as it was encoded",
  (length) => {
    const value = "x".repeat(length);
    const block = new HeaderBlock(6_000);
    block.begin(encodeHeader("a", value)).add(encodeName("b"), "y");
    expect({ ...newDecoder().decode(block.bytes) }).toEqual({ a: value, b: "y" });
    block.begin(Buffer.alloc(0)).add(encodeName("c"), value);
    expect({ ...newDecoder().decode(block.bytes) }).toEqual({ c: value });
  },
);
