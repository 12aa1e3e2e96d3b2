import { expect, it } from "vitest";
import { subjectFaults } from "./commit-subjects.ts";

it("a subject has at most 72 characters", () => {
  expect(subjectFaults(`1a2b3c4 ${"x".repeat(72)}`)).toEqual([]);
  expect(subjectFaults(`1a2b3c4 ${"x".repeat(73)}`)).toMatchObject([{ path: "commit 1a2b3c4" }]);
  expect(subjectFaults("")).toEqual([]);
});
