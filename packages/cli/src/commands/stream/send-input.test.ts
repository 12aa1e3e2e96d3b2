import { expect, it } from "vitest";
import { parseMessage } from "./send-input.ts";

it("a line of input is a JSON message", () => {
  expect(parseMessage('{"a": 1}', 1)).toEqual({ a: 1 });
});

it("a line that is not JSON is an error with its number: status 2", () => {
  expect(() => parseMessage("hi", 7)).toThrow(
    expect.objectContaining({
      status: 2,
      message: 'Cannot send line 7 of standard input: it is not JSON. A string needs quotes: "hi"',
    }),
  );
  expect(() => parseMessage("x".repeat(1_000), 1)).toThrow(/"x{200}"$/);
});
