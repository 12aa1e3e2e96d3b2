import { expect, it } from "vitest";
import { parseTokenOptions } from "./token-options.ts";

const options = { environments: ["Dev.lever"], rights: ["invoke", "deploy"] };

it("a token's environments are in lower case, its note is empty by default", () => {
  expect(parseTokenOptions(options)).toEqual({
    environments: ["dev.lever"],
    rights: ["invoke", "deploy"],
    expiresInMs: undefined,
    note: "",
  });
});

it.each([
  [undefined, "environments"],
  ["*", "environments"],
  [{ ...options, environments: [] }, "environments"],
  [{ ...options, environments: "*" }, "environments"],
  [{ ...options, environments: [""] }, "environments"],
  [{ ...options, environments: Array.from({ length: 1_001 }, () => "a") }, "environments"],
  [{ ...options, rights: [] }, "rights"],
  [{ ...options, rights: ["everything"] }, "rights"],
  [{ ...options, expiresInMs: 0 }, "expiresInMs"],
  [{ ...options, expiresInMs: Number.NaN }, "expiresInMs"],
  [{ ...options, expiresInMs: "1h" }, "expiresInMs"],
  [{ ...options, note: 5 }, "note"],
  [{ ...options, note: "x".repeat(201) }, "note"],
])("options %j are refused, naming the field %s", (value, field) => {
  expect(() => parseTokenOptions(value)).toThrow(`Cannot create the token: \`${field}\` is not`);
});
