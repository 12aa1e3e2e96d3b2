import { expect, it } from "vitest";
import { systemClock } from "./clock.ts";

it("does not take a very long time for a very short one", async () => {
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
