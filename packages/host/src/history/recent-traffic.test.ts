import { beforeEach, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { type Outcome, outcomes } from "../metrics/outcome.ts";
import { ServiceMeters } from "../metrics/service-meters.ts";
import { NO_CALLS, POINT_MS, POINTS, RecentTraffic } from "./recent-traffic.ts";

let clock: VirtualClock;
let meters: ServiceMeters;
let recent: RecentTraffic;

beforeEach(() => {
  clock = new VirtualClock();
  meters = new ServiceMeters(1_000);
  recent = new RecentTraffic(meters, clock);
  recent.start();
});

function call(service: string, outcome: Outcome = outcomes.ok, ms = 12): void {
  const meter = meters.of("dev.lever", service);
  meters.method(meter, "m", { isStream: false, isKnown: true }).count(outcome, ms);
}

const callsOf = (service?: string): readonly number[] | undefined =>
  recent.points("dev.lever", service)?.map(({ calls }) => calls);

const last = (count: number, service?: string): readonly number[] | undefined =>
  callsOf(service)?.slice(-count);

it("a point has the calls that ended within its five seconds", () => {
  call("shop");
  call("shop");
  clock.advance(POINT_MS);
  call("shop", outcomes.error);
  clock.advance(POINT_MS);
  clock.advance(POINT_MS);
  expect(last(4, "shop")).toEqual([0, 2, 1, 0]);
  expect(recent.points("dev.lever", "shop")?.at(-2)).toMatchObject({ calls: 1, errors: 1 });
});

it("an environment has the sums of its services, with percentiles of all their calls", () => {
  for (let count = 0; count < 9; count++) call("shop", outcomes.ok, 1);
  call("pay", outcomes.ok, 100);
  clock.advance(POINT_MS);
  const point = recent.points("dev.lever")?.at(-1);
  expect(point?.calls).toBe(10);
  expect(point?.p50Ms).toBeLessThan(2);
  expect(point?.p99Ms).toBeGreaterThan(70);
});

it("a service without calls has no points", () => {
  expect(recent.points("dev.lever", "shop")).toBeUndefined();
  clock.advance(POINT_MS);
  expect(recent.points("dev.lever")).toBeUndefined();
});

it("the points of calls end after five minutes, and begin again with the next call", () => {
  call("shop");
  for (let tick = 0; tick < POINTS; tick++) clock.advance(POINT_MS);
  expect(callsOf("shop")?.[0]).toBe(1);
  clock.advance(POINT_MS);
  expect(callsOf("shop")).toBeUndefined();
  expect(callsOf()).toBeUndefined();
  call("shop");
  clock.advance(POINT_MS);
  expect(last(2, "shop")).toEqual([0, 1]);
  expect(recent.points("dev.lever", "shop")?.[0]).toEqual(NO_CALLS);
});
