import { expect, it } from "vitest";
import { formatFor, hasCommon, type VersionRange } from "./shared-versions.ts";

const range = (oldest: number, newest: number): VersionRange => ({ oldest, newest });
const host = (newest: number, state = "active") => ({ state, formats: range(1, newest) });

it("the database gets the newest format that every active host reads", () => {
  expect(formatFor([host(3), host(2), host(1, "left"), host(1, "fenced")])).toBe(2);
  expect(formatFor([host(1, "left")])).toBe(0);
});

it.each([
  [range(1, 1), range(1, 1), true],
  [range(1, 2), range(2, 3), true],
  [range(1, 4), range(2, 3), true],
  [range(1, 1), range(2, 3), false],
])("%j and %j have one in common: %j", (one, other, isCommon) => {
  expect([hasCommon(one, other), hasCommon(other, one)]).toEqual([isCommon, isCommon]);
});
