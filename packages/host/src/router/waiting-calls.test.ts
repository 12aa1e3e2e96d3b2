import { expect, it } from "vitest";
import { WaitingCalls } from "./waiting-calls.ts";

const limits = {
  queuedCallsPerServiceMax: 2,
  queuedBytesPerServiceMax: 10,
  queuedCallsPerEnvironmentMax: 3,
  queuedBytesPerEnvironmentMax: 15,
};

it("a service has no more waiting calls than its limit", () => {
  const waiting = new WaitingCalls({ calls: 0, bytes: 0 }, limits);
  waiting.add(0);
  expect(waiting.fullPart(0)).toBeUndefined();
  waiting.add(0);
  expect(waiting.fullPart(0)).toBe("service");
  waiting.remove(0);
  expect(waiting.fullPart(0)).toBeUndefined();
  expect(waiting.count).toBe(1);
});

it("the bodies of a service's waiting calls stay within its limit", () => {
  const waiting = new WaitingCalls({ calls: 0, bytes: 0 }, limits);
  waiting.add(4);
  expect([waiting.fullPart(6), waiting.fullPart(7)]).toEqual([undefined, "service"]);
});

it("services of one environment share its limits", () => {
  const environment = { calls: 0, bytes: 0 };
  const [one, other] = [
    new WaitingCalls(environment, limits),
    new WaitingCalls(environment, limits),
  ];
  one.add(8);
  expect([other.fullPart(7), other.fullPart(8)]).toEqual([undefined, "environment"]);
  one.add(0);
  other.add(0);
  expect(other.fullPart(0)).toBe("environment");
  one.remove(8);
  expect(other.fullPart(8)).toBeUndefined();
  expect(environment).toEqual({ calls: 2, bytes: 0 });
});
