import type { VariableListing } from "@leveros/protocol";
import { expect, it } from "vitest";
import { formatVariables } from "./format-variables.ts";

const nowMs = Date.parse("2026-03-01T12:00:00Z");
const variable: VariableListing = {
  service: "",
  name: "COLOR",
  value: "red",
  secret: false,
  setAt: "2026-03-01T11:30:00Z",
};

it("a variable shows its value, and whether it is for all services or for one", () => {
  const listings = [variable, { ...variable, service: "two", value: "blue" }];
  expect(formatVariables(listings, { isSecret: false, nowMs })).toBe(
    `NAME   SERVICE  AGE  VALUE
COLOR  all      30m  red
COLOR  two      30m  blue`,
  );
});

it("a secret has no column for its value", () => {
  const secret = { ...variable, name: "TOKEN", value: null, secret: true };
  expect(formatVariables([secret], { isSecret: true, nowMs })).toBe(
    "NAME   SERVICE  AGE\nTOKEN  all      30m",
  );
});
