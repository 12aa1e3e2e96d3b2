import { LeverError } from "@leveros/protocol";
import { describe, expect, it } from "vitest";
import { CommandError, describeFailure, exitStatus, usageError } from "./exit-status.ts";

describe("what ends a command", () => {
  it("by a method's failure shows its value as JSON: status 1", () => {
    const error = new LeverError("method_failed", "described", { value: { why: ["a", null] } });
    expect(describeFailure(error)).toEqual({
      text: 'the method failed: {"why":["a",null]}',
      status: 1,
    });
  });

  it("by a method's failure with bytes shows them in base64, and not more than fit a screen", () => {
    const bytes = new LeverError("method_failed", "", { value: Buffer.from([0, 255]) });
    expect(describeFailure(bytes).text).toBe("the method failed with 2 bytes, in base64: AP8=");
    const many = new LeverError("method_failed", "", { value: Buffer.alloc(1_000_000) });
    expect(describeFailure(many).text).toMatch(/^the method failed with 1000000 bytes.{1,1100}…$/);
  });

  it("by Lever's refusal shows its message, its code, and what to do: status 3", () => {
    const error = new LeverError("overloaded", "Too much.", { retryAfterSeconds: 5 });
    expect(describeFailure(error)).toEqual({
      text: "Too much. (overloaded)\nTry again in 5 s.",
      status: 3,
    });
    const unreachable = new LeverError("unreachable", "Nobody there.");
    expect(describeFailure(unreachable).text).toContain("lever up");
  });

  it("by the command itself keeps its status", () => {
    expect(describeFailure(usageError("What?"))).toEqual({ text: "What?", status: 2 });
    const refused = new CommandError(exitStatus.failed, "No.");
    expect(describeFailure(refused)).toEqual({ text: "No.", status: 1 });
  });

  it("by a fault of its own shows where", () => {
    const { text, status } = describeFailure(new TypeError("a fault"));
    expect(text).toMatch(/^TypeError: a fault\n\s+at /);
    expect(status).toBe(3);
  });
});
