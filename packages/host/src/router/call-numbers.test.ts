import { callNumbersOf, formatCallId } from "@leveros/protocol";
import { expect, it } from "vitest";
import { isSampledNumber, nextCallNumber, nextCallRun, setCallRun } from "./call-numbers.ts";

it("each call of a process has the next number", () => {
  const first = nextCallNumber();
  expect([nextCallNumber(), nextCallNumber()]).toEqual([first + 1, first + 2]);
  expect(formatCallId(first)).toMatch(/^[a-z][0-9a-z]{2}-[0-9a-z]+$/);
});

it("other processes of the host number their calls as other runs", () => {
  const own = formatCallId(nextCallNumber()).slice(0, 3);
  const others = [nextCallRun(), nextCallRun()].map((run) => run.toString(36));
  expect(new Set([own, ...others]).size).toBe(3);
});

it("a process numbers its calls as the run that it is given", () => {
  setCallRun(Number.parseInt("zzz", 36));
  expect(formatCallId(nextCallNumber())).toBe("zzz-1");
  // The run after the last one.
  expect(nextCallRun().toString(36)).toBe("a00");
});

it.each([
  [1, 1_000],
  [10, 100],
  [1_000, 1],
  [0, 0],
])("of each %i calls of a run one is sampled", (each, expected) => {
  const first = callNumbersOf(35_000) + 2 ** 33;
  const numbers = Array.from({ length: 1_000 }, (_, i) => first + i);
  expect(numbers.filter((number) => isSampledNumber(number, each))).toHaveLength(expected);
});
