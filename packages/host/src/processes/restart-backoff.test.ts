import { expect, it } from "vitest";
import { restartDelayMs } from "./restart-backoff.ts";

it("the delay is 0 after one failure, then 250 ms, doubled up to 30 s", () => {
  expect([0, 1, 2, 3, 4, 8, 9, 10, 1_000].map(restartDelayMs)).toEqual([
    0, 0, 250, 500, 1_000, 16_000, 30_000, 30_000, 30_000,
  ]);
});
