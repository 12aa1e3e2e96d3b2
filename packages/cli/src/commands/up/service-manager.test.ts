import { expect, it } from "vitest";
import { watchdogMs } from "./service-manager.ts";

it.each<[Record<string, string>, number | undefined]>([
  [{}, undefined],
  [{ WATCHDOG_USEC: "30000000" }, 30_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 30_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "8" }, undefined],
  [{ WATCHDOG_USEC: "0" }, undefined],
  [{ WATCHDOG_USEC: "soon" }, undefined],
])("the watchdog of %j waits for %s ms", (variables, ms) => {
  expect(watchdogMs(variables, 7)).toBe(ms);
});
