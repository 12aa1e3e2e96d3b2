import { expect, it } from "vitest";
import { replacedReason, surplusReason } from "./stop-reason.ts";

const limits = { idleTimeoutMs: 300_000, scaleDownAfterMs: 45_000 };

it.each([
  [0, "the service had no calls for 300 s"],
  [1, "1 instance has been enough for 45 s"],
  [2, "2 instances have been enough for 45 s"],
])("with %i wanted instances, a surplus one stops since %s", (wanted, reason) => {
  expect(surplusReason(wanted, limits)).toBe(reason);
});

it("an instance of an older version stops since another one is live", () => {
  expect(replacedReason(2, 3)).toBe("version 3 is live now");
  expect(replacedReason(3, 3)).toBe("the instances of the service were replaced");
});
