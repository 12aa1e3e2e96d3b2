import { expect, it } from "vitest";
import { logFilter } from "./log-filter.ts";

it("a filter may be absent, and so may its fields", () => {
  expect(logFilter.read(undefined)).toEqual({});
  expect(logFilter.read({ service: null, level: "warn" })).toEqual({ level: "warn" });
});

it.each([
  [[], /"filter": it is \[\]/],
  [{ service: "../other" }, /"service": it is "..\/other"; allowed is the name of a service/],
  [{ service: ".." }, /"service"/],
  [{ level: "loud" }, /"level": it is "loud"; allowed is debug, info, warn or error/],
  [{ since: "noon" }, /"since"/],
  [{ max: 0 }, /"max"/],
  [{ grep: "x".repeat(1_001) }, /"grep"/],
  [{ text: "x" }, /it has no field "text"/],
])("the filter %j is refused", (filter, reason) => {
  expect(() => logFilter.read(filter)).toThrow(reason);
});
