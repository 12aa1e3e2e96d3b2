import { expect, it } from "vitest";
import { isoTime, systemClock } from "./clock.ts";

it("a timer of more than 24 days does not fire at once", async () => {
  let isOver = false;
  const timer = systemClock.setTimeout(
    () => {
      isOver = true;
    },
    2 ** 32 - 1,
  );
  await new Promise<void>((resolve) => systemClock.setTimeout(resolve, 20));
  systemClock.clearTimeout(timer);
  expect(isOver).toBe(false);
});

it("wall time is the machine's, in milliseconds since 1970", () => {
  const before = Date.now();
  const time = systemClock.wallTime();
  expect(time).toBeGreaterThanOrEqual(before);
  expect(time).toBeLessThanOrEqual(Date.now());
  expect(isoTime(0)).toBe("1970-01-01T00:00:00.000Z");
});
