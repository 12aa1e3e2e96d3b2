import { describe, expect, it } from "vitest";
import { PAYLOAD_BYTES, PAYLOAD_JSON } from "./call.ts";
import { argumentsPayload, encodeJson, valuePayload } from "./encode-value.ts";
import { decodeArguments, decodeValue } from "./values.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe("values", () => {
  it.each([
    [undefined, "null"],
    [null, "null"],
    [Number.NaN, "null"],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [[undefined, Number.POSITIVE_INFINITY], "[null,null]"],
    ["é\u2028", '"é\u2028"'],
  ])("encodeJson turns %s into %s", (value, expected) => {
    expect(text(encodeJson(value))).toBe(expected);
  });

  it("bytes stay bytes, any other value becomes JSON", () => {
    expect(valuePayload(new Uint8Array([1])).kind).toBe(PAYLOAD_BYTES);
    expect(valuePayload([new Uint8Array([1])]).kind).toBe(PAYLOAD_JSON);
    expect(argumentsPayload([new Uint8Array([1])]).kind).toBe(PAYLOAD_BYTES);
    expect(text(argumentsPayload([new Uint8Array([1]), 2]).bytes)).toBe('[{"0":1},2]');
    expect(text(argumentsPayload([]).bytes)).toBe("[]");
  });

  it("a byte order mark before JSON is ignored", () => {
    const marked = new TextEncoder().encode('\uFEFF["a"]');
    expect(decodeArguments(PAYLOAD_JSON, marked)).toEqual(["a"]);
    expect(decodeValue(PAYLOAD_JSON, marked)).toEqual(["a"]);
  });

  it("a cycle and a BigInt cannot be encoded", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => valuePayload(cycle)).toThrow(TypeError);
    expect(() => valuePayload(1n)).toThrow(TypeError);
  });

  it("a JSON value is decoded as it was encoded", () => {
    for (const value of [0, -0.5, 1e308, "", "\u{1F600}", [], {}, { a: [null, true] }]) {
      const { kind, bytes } = valuePayload(value);
      expect(decodeValue(kind, bytes)).toEqual(value);
    }
  });
});

describe("arguments", () => {
  const decode = (body: string): unknown[] | string =>
    decodeArguments(PAYLOAD_JSON, new TextEncoder().encode(body));

  it("arguments are a JSON array, or one bytes value", () => {
    expect(decode('[1, "a"]')).toEqual([1, "a"]);
    expect(decodeArguments(PAYLOAD_BYTES, new Uint8Array([1]))).toEqual([new Uint8Array([1])]);
  });

  it.each([
    ["null", "the body is null, not a JSON array of arguments"],
    ["{}", "the body is an object, not a JSON array of arguments"],
    ["1", "the body is a number, not a JSON array of arguments"],
    ["true", "the body is a boolean, not a JSON array of arguments"],
  ])("a body of %s is refused as arguments", (body, problem) => {
    expect(decode(body)).toBe(problem);
  });

  it("malformed JSON and malformed UTF-8 are refused as arguments", () => {
    expect(decode("[")).toMatch(/^the body is not JSON \(/);
    expect(decodeArguments(PAYLOAD_JSON, new Uint8Array([0xff]))).toMatch(
      /^the body is not JSON \(/,
    );
  });
});
