import { expect, it } from "vitest";
import { plantingFault } from "./planted-faults.ts";

const planted = {
  name: "A count is never counted down.",
  file: "host/src/count.ts",
  text: "count--;",
  replacement: "",
  caughtBy: ["simulation"],
} as const;

it.each([
  ["whose text is there once", "let count = 1; count--;", planted, undefined],
  ["whose text is gone", "let count = 1;", planted, /^Cannot plant .* its text 0 times/],
  ["whose text is there twice", "count--; count--;", planted, /its text 2 times/],
  ["that changes nothing", "count--;", { ...planted, replacement: "count--;" }, /changes nothing/],
])("a planted fault %s is refused or not", (_, source, of, reason) => {
  const refusal = plantingFault(source, of);
  if (reason === undefined) expect(refusal).toBeUndefined();
  else expect(refusal).toMatch(reason);
});
