import { expect, it } from "vitest";
import { defaultLimits, parseLimit } from "./limits.ts";

it("parseLimit reads a limit's name and value", () => {
  expect(parseLimit("bodyBytesMax=1048576")).toEqual({ name: "bodyBytesMax", value: 1_048_576 });
});

it.each([
  "",
  "bodyBytesMax",
  "bodyBytesMax=",
  "bodyBytesMax=-1",
  "bodyBytesMax=1e3",
  "=5",
  "a b=5",
])("parseLimit refuses %j, which has another form", (text) => {
  expect(parseLimit(text)).toBe(
    `Cannot set the limit "${text}": it is not of the form name=number.`,
  );
});

it("the error of an unknown limit names every limit", () => {
  for (const name of ["nothing", "toString", "constructor"]) {
    const message = parseLimit(`${name}=5`);
    expect(message).toContain(`Cannot set the limit "${name}": there is no such limit.`);
    for (const known of Object.keys(defaultLimits)) expect(message).toContain(known);
  }
});
