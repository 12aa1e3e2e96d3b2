import { LeverError } from "@leveros/protocol";
import { describe, expect, it } from "vitest";
import { CommandError, describeFailure, exitStatus, usageError } from "./exit-status.ts";

describe("the error text", () => {
  it("of a method that fails shows its value as JSON: status 1", () => {
    const error = new LeverError("method_failed", "described", { value: { why: ["a", null] } });
    expect(describeFailure(error)).toEqual({
      text: 'the method failed: {"why":["a",null]}',
      status: 1,
    });
  });

  it("of a method that fails with bytes shows at most 768 of them, in base64", () => {
    const bytes = new LeverError("method_failed", "", { value: Buffer.from([0, 255]) });
    expect(describeFailure(bytes).text).toBe("the method failed with 2 bytes, in base64: AP8=");
    const many = new LeverError("method_failed", "", { value: Buffer.alloc(1_000_000) });
    expect(describeFailure(many).text).toMatch(/^the method failed with 1000000 bytes.{1,1100}…$/);
  });

  it("of an error of Lever shows its message, its code and a remedy: status 3", () => {
    const error = new LeverError("overloaded", "Too much.", { retryAfterSeconds: 5 });
    expect(describeFailure(error)).toEqual({
      text: "Too much. (overloaded)\nTry again in 5 s.",
      status: 3,
    });
    const unreachable = new LeverError("unreachable", "Cannot call it: nothing answers.");
    expect(describeFailure(unreachable).text).toContain("lever up");
  });

  it("of an error of the command is its message, with its status", () => {
    expect(describeFailure(usageError("What?"))).toEqual({ text: "What?", status: 2 });
    const refused = new CommandError(exitStatus.failed, "No.");
    expect(describeFailure(refused)).toEqual({ text: "No.", status: 1 });
  });

  it("of a bug in the command shows the stack: status 3", () => {
    const { text, status } = describeFailure(new TypeError("a fault"));
    expect(text).toMatch(/^TypeError: a fault\n\s+at /);
    expect(status).toBe(3);
  });
});
