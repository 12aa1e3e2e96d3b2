import { describe, expect, it } from "vitest";
import { parseArgument, readMethodUrl } from "./call-arguments.ts";

const regular = { environment: "dev.lever", isStreaming: false };
const streaming = { ...regular, isStreaming: true };

describe("the URL of a method", () => {
  it("gets the environment unless it names one", () => {
    expect(readMethodUrl("/svc/room/method", regular)).toBe("lever://dev.lever/svc/room/method");
    expect(readMethodUrl("lever://prod.lever/svc/method", regular)).toBe(
      "lever://prod.lever/svc/method",
    );
  });

  it("of the other kind of method names the right command: status 2", () => {
    expect(() => readMethodUrl("/svc/feedChan", regular)).toThrow(
      expect.objectContaining({
        status: 2,
        message: "Cannot invoke /svc/feedChan: feedChan is a streaming method. Use: lever stream",
      }),
    );
    expect(() => readMethodUrl("/svc/feed", streaming)).toThrow(
      "Cannot stream /svc/feed: feed is not a streaming method, whose name ends in Chan. Use: lever invoke",
    );
  });

  it("that is not valid shows the valid forms: status 2", () => {
    expect(() => readMethodUrl("svc/method", regular)).toThrow(
      expect.objectContaining({
        status: 2,
        message: expect.stringMatching(/\nAllowed is \/service\/method or lever:/),
      }),
    );
  });
});

it("an argument is JSON, and the error for another text shows it as a JSON string", () => {
  expect(parseArgument('{"a":[1]}', 0)).toEqual({ a: [1] });
  expect(() => parseArgument("it's", 1)).toThrow(
    `Cannot read argument 2: it's is not JSON.\nA string needs JSON's quotes inside the shell's: '"it'\\''s"'`,
  );
});
