import { describe, expect, it } from "vitest";
import { oneOf, optional, type Reading, requiredValue, value, values } from "./parameters.ts";

const number: Reading<number> = {
  parse: (text) => (/^\d+$/.test(text) ? Number(text) : undefined),
  allowed: "a number",
};

describe("an option with a value", () => {
  it("is undefined or its default when it is not given", () => {
    expect(value("<n>", "a number", number).read([], "--n")).toBeUndefined();
    const option = value("<n>", "a number", { ...number, default: 7 });
    expect(option.read([], "--n")).toBe(7);
    expect(option.description).toBe("a number (default: 7)");
  });

  it("has the last of several values, unless it collects them", () => {
    expect(value("<text>", "a text").read(["a", "b"], "--text")).toBe("b");
    expect(values("<n>", "numbers", number).read(["1", "2"], "--n")).toEqual([1, 2]);
  });

  it("names what is allowed when a value is not: status 2", () => {
    for (const option of [value("<n>", "", number), requiredValue("<n>", "", number)]) {
      expect(() => option.read(["x"], "--n")).toThrow(
        expect.objectContaining({
          status: 2,
          message: 'Cannot use "x" as --n: allowed is a number.',
        }),
      );
    }
  });

  it("of one of several words allows no other word", () => {
    const option = value("<color>", "a color", oneOf("red", "green"));
    expect(option.read(["green"], "--color")).toBe("green");
    expect(() => option.read(["blue"], "--color")).toThrow("allowed is red, green.");
  });
});

it("an optional argument is undefined when it is missing, and parsed when it is not", () => {
  const argument = optional("a number", number);
  expect([argument.read([], "the number"), argument.read(["5"], "the number")]).toEqual([
    undefined,
    5,
  ]);
  expect(() => argument.read(["x"], "the number")).toThrow('Cannot use "x" as the number:');
});
