import { expect, it } from "vitest";
import { outcomes } from "./outcome.ts";
import { ServiceMeters } from "./service-meters.ts";
import { sumTraffic } from "./traffic.ts";

const regular = { isStream: false, isKnown: true } as const;
const unknown = { isStream: false, isKnown: false } as const;

function call(meters: ServiceMeters, service: string, method = "m", options = regular): void {
  const of = meters.of("dev.lever", service);
  meters.method(of, method, options).count(outcomes.ok, 1);
}

/** Calls by service and method. */
function counted(meters: ServiceMeters): Record<string, number> {
  return Object.fromEntries(
    meters.all().flatMap((service) =>
      service.allMethods.map((method) => {
        const calls = method.calls.reduce((sum, count) => sum + count, 0);
        return [`${service.service}/${method.method}`, calls] as const;
      }),
    ),
  );
}

function mark(meters: ServiceMeters, now: number): void {
  for (const service of meters.all()) service.mark(now);
  meters.freePlaces(now);
}

const sum = (meters: ServiceMeters): number =>
  Object.values(counted(meters)).reduce((total, count) => total + count, 0);

it("M2: more services than there are places are counted together", () => {
  const meters = new ServiceMeters(2);
  for (const service of ["a", "b", "c", "d", "a"]) call(meters, service);
  expect(counted(meters)).toEqual({ "a/m": 2, "b/m": 1, "_other/_other": 2 });
});

it("M2: more methods than there are places are counted together", () => {
  const meters = new ServiceMeters(2);
  for (const method of ["m", "n", "o", "p"]) call(meters, "a", method);
  expect(counted(meters)).toEqual({ "a/m": 1, "a/n": 1, "a/_other": 2 });
});

it("M2: of a service with unknown methods, 50 names are counted and the rest together", () => {
  const meters = new ServiceMeters(2_000);
  for (let index = 0; index < 60; index++) {
    meters.method(meters.of("dev.lever", "a"), `m${index}`, unknown).count(outcomes.ok, 1);
  }
  expect(Object.keys(counted(meters))).toHaveLength(51);
  expect(counted(meters)["a/_other"]).toBe(10);
});

it("M2: with no places at all, calls are counted together", () => {
  const meters = new ServiceMeters(0);
  call(meters, "a");
  expect(counted(meters)).toEqual({ "_other/_other": 1 });
});

it("streams without a meter of their own are counted apart from regular calls", () => {
  const meters = new ServiceMeters(0);
  call(meters, "a");
  const stream = { isStream: true, isKnown: true };
  meters.method(meters.of("dev.lever", "a"), "xChan", stream).count(outcomes.ok, 1);
  expect(counted(meters)).toEqual({ "_other/_other": 1, "_other/_otherChan": 1 });
});

it("a service that was unused for long gives its place to another, and sums stay", () => {
  const meters = new ServiceMeters(4);
  for (const service of ["a", "b", "c", "d", "e"]) call(meters, service);
  mark(meters, 1_000);
  call(meters, "d");
  mark(meters, 601_000);
  call(meters, "d");
  const { generation } = meters;
  mark(meters, 601_500);
  expect(meters.generation).not.toBe(generation);
  expect(meters.find("dev.lever", "a")).toBeUndefined();
  expect(meters.find("dev.lever", "d")).toBeDefined();
  expect(sum(meters)).toBe(7);
  call(meters, "e");
  expect(counted(meters)["e/m"]).toBe(1);
  expect(sum(meters)).toBe(8);
});

it("while there are places enough, no service loses its own", () => {
  const meters = new ServiceMeters(8);
  call(meters, "a");
  mark(meters, 0);
  mark(meters, 1e9);
  expect(meters.find("dev.lever", "a")).toBeDefined();
});

it("recent calls are those since the mark before the last one", () => {
  const meters = new ServiceMeters(8);
  call(meters, "a");
  const recentCalls = (): number => sumTraffic([meters.of("dev.lever", "a")]).calls;
  expect(recentCalls()).toBe(1);
  mark(meters, 0);
  call(meters, "a");
  expect(recentCalls()).toBe(2);
  mark(meters, 1);
  expect(recentCalls()).toBe(1);
  mark(meters, 2);
  expect(recentCalls()).toBe(0);
});

it("what a service counts goes with it to the common meter", () => {
  const meters = new ServiceMeters(2);
  const service = meters.of("dev.lever", "a");
  service.received(10, 1);
  service.sent(20, 2);
  service.waited(5);
  meters.remove(service);
  expect(meters.other("dev.lever")).toMatchObject({
    bytesIn: 10,
    messagesIn: 1,
    bytesOut: 20,
    messagesOut: 2,
    waits: { sumMs: 5 },
  });
});
