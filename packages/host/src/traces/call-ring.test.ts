import { OUTSIDE } from "@leveros/protocol";
import { expect, it } from "vitest";
import type { RecordedCall } from "../router/call-recorder.ts";
import { CallRing } from "./call-ring.ts";

const call = (number: number, root = number): RecordedCall => ({
  number,
  root,
  isSampled: false,
  trace: undefined,
  depth: 1,
  parent: undefined,
  isOn: () => false,
  usesOwnership: () => undefined,
  route: { environment: "dev.lever", service: "svc" },
  methodName: "m",
  resource: "",
  caller: OUTSIDE,
  isStream: false,
  bodyBytes: 7,
  arrivedAt: number,
  endedAt: number + 1,
  waitTimes: undefined,
  instance: { instance: "svc-1-a", version: 1 },
  isNotable: false,
});

it("the last calls are remembered, and the oldest are overwritten", () => {
  const ring = new CallRing(8_000);
  for (let number = 1; number <= 20_000; number++) ring.add(call(number), "m", undefined);
  expect([ring.start, ring.end]).toEqual([20_000 - 8_192, 20_000]);
  expect(ring.at(ring.end - 1)).toMatchObject({ number: 20_000, endedAt: 20_001, bodyBytes: 7 });
  expect(ring.at(ring.start)?.number).toBe(20_000 - 8_191);
  expect(ring.find(20_000 - 8_191)?.number).toBe(20_000 - 8_191);
  expect(ring.find(20_000 - 8_192)).toBeUndefined();
});

it("the calls of a chain are found, the last one first, until a time", () => {
  const ring = new CallRing(4_096);
  for (let number = 1; number <= 100; number++) ring.add(call(number, number % 10), "m", undefined);
  const numbers = (since: number): number[] => ring.withRoot(3, since).map((found) => found.number);
  expect(numbers(0)).toEqual([93, 83, 73, 63, 53, 43, 33, 23, 13, 3]);
  expect(numbers(64)).toEqual([93, 83, 73, 63]);
});

it("a place that is used again has no caller and no details of the call before", () => {
  const ring = new CallRing(1);
  const details = {
    resource: "",
    code: undefined,
    error: "x",
    waitMs: undefined,
    start: undefined,
    trace: undefined,
  };
  const caller = { kind: "service", environment: "dev.lever", service: "shop" } as const;
  ring.add({ ...call(1), caller }, "m", details);
  expect(ring.at(0)).toMatchObject({ caller: "shop" });
  for (let number = 2; number <= 4_097; number++) ring.add(call(number), "m", undefined);
  expect(ring.at(4_096)).toMatchObject({
    number: 4_097,
    caller: undefined,
    details: undefined,
  });
});
