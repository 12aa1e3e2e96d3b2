import { expect, it } from "vitest";
import { parseAssignment } from "./var.ts";

it("the value after the first = may be empty, or have several lines", () => {
  expect(parseAssignment("A=b=c")).toEqual(["A", "b=c"]);
  expect(parseAssignment("A=")).toEqual(["A", ""]);
  expect(parseAssignment("A=b\nc")).toEqual(["A", "b\nc"]);
});

it.each(["novalue", "=value", ""])("%j is not an assignment: status 2", (text) => {
  expect(() => parseAssignment(text)).toThrow(expect.objectContaining({ status: 2 }));
});
