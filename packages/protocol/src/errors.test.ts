import { expect, it } from "vitest";
import { LeverError } from "./errors.ts";

/** As another bundle has it. */
class Copy extends Error {
  readonly code: string;
  override readonly name = "LeverError";
  constructor(code: string) {
    super("Something was refused.");
    this.code = code;
  }
}

it("a LeverError is one whichever copy of the class made it", () => {
  expect(new LeverError("forbidden", "") instanceof LeverError).toBe(true);
  expect(new Copy("forbidden") instanceof LeverError).toBe(true);
});

it("an error with another name, or a code that Lever does not have, is none", () => {
  const named = Object.assign(new Error("x"), { code: "forbidden" });
  for (const other of [
    named,
    new Copy("ENOENT"),
    new Error("x"),
    { ...new Copy("forbidden") },
    null,
  ])
    expect(other instanceof LeverError).toBe(false);
});
