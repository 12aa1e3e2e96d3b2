import { expect, it } from "vitest";
import { describeError } from "./describe-error.ts";

const CODE = "/code";
/** This file's folder counts as Lever's. */
const LEVERS = `    at run (${import.meta.dirname}/main.cjs:1:2)`;

function errorWith(stack: string[], options?: ErrorOptions): Error {
  const error = new Error("outer", options);
  error.stack = ["Error: outer", ...stack].join("\n");
  return error;
}

it("an error has the frames of its service alone, with paths in the service", () => {
  const error = errorWith([
    "    at pay (/code/pay.ts:41:18)",
    LEVERS,
    "    at node:internal/x:1:2",
  ]);
  expect(describeError(error, CODE)).toBe("Error: outer\n    at pay (pay.ts:41:18)");
});

it("the braces around a cause are closed as often as they are opened", () => {
  const cause = new TypeError("inner");
  cause.stack = `TypeError: inner\n    at read (/code/read.ts:1:2)\n${LEVERS}`;
  const error = errorWith(["    at pay (/code/pay.ts:41:18)", LEVERS], { cause });
  expect(describeError(error, CODE)).toBe(
    [
      "Error: outer",
      "    at pay (pay.ts:41:18) {",
      "  [cause]: TypeError: inner",
      "      at read (read.ts:1:2)",
      "}",
    ].join("\n"),
  );
});

it("a value whose getters throw is described, too", () => {
  const value = {
    get [Symbol.toStringTag](): string {
      throw new Error("no");
    },
  };
  expect(describeError(value, CODE)).toMatch(/./);
});
