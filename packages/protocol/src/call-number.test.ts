import { expect, it } from "vitest";
import { CALL_RUNS_MAX, callNumbersOf, formatCallId, parseCallId } from "./call-number.ts";

it.each([
  [0, 1, "000-1"],
  [26_198, 4_234_544, "k7q-2irds"],
  [CALL_RUNS_MAX - 1, 2 ** 37 - 1, "zzz-1r4z6v1b"],
])("call %2$d of run %1$d has an id that leads back to it", (run, place) => {
  const number = callNumbersOf(run) + place;
  expect(Number.isSafeInteger(number)).toBe(true);
  expect(parseCallId(formatCallId(number))).toBe(number);
});

it("an id is the run in three digits and the place in it, in base 36", () => {
  expect(formatCallId(callNumbersOf(0) + 1)).toBe("000-1");
  expect(formatCallId(callNumbersOf(20 * 1296 + 7 * 36 + 26) + 35 * 36)).toBe("k7q-z0");
});

it.each(["", "k7q", "k7q-", "k7-1", "K7q-1", "k7q-01", "k7q-zzzzzzzz", "k7q-1 ", "-1"])(
  "%j is not the id of a call",
  (id) => {
    expect(parseCallId(id)).toBeUndefined();
  },
);
