import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { PlacesTeller, type TellingFleet, type TellingRouter } from "./places-teller.ts";

const clock = new VirtualClock();

interface Route {
  hasInstances: boolean;
  freePlaces: number;
}

function routerWith(routes: Record<string, Route>, kind: "services" | "platform"): TellingRouter {
  const services = new Map(Object.entries(routes));
  return { environments: new Map([["dev.lever", { access: { kind }, services }]]) };
}

const toldOf = (service: string, free: number | undefined): object => ({
  environment: "dev.lever",
  service,
  free,
});

it("only changes of free places are told, and all of them to a new host", () => {
  const one = { hasInstances: true, freePlaces: 3 };
  const idle = { hasInstances: false, freePlaces: 0 };
  const teller = new PlacesTeller(routerWith({ one, idle }, "services"), clock);
  expect(teller.changes(true)).toEqual([toldOf("one", 3)]);
  expect(teller.changes(true)).toEqual([]);
  one.freePlaces = 0;
  expect(teller.changes(true)).toEqual([toldOf("one", 0)]);
  expect(teller.told).toEqual([toldOf("one", 0)]);
  one.hasInstances = false;
  expect(teller.changes(true)).toEqual([toldOf("one", undefined)]);
  expect(teller.told).toEqual([]);
});

it("a host that takes no calls of others has no places", () => {
  const teller = new PlacesTeller(
    routerWith({ one: { hasInstances: true, freePlaces: 3 } }, "services"),
    clock,
  );
  teller.changes(true);
  expect(teller.changes(false)).toEqual([toldOf("one", undefined)]);
});

it("the admin service of a host is not told", () => {
  const admin = { hasInstances: true, freePlaces: 3 };
  expect(new PlacesTeller(routerWith({ admin }, "platform"), clock).changes(true)).toEqual([]);
});

it("the load of a service is told when it changes, or was used a second later, also while no calls are taken", () => {
  const load = {
    callsInFlight: 2,
    callsWaiting: 1,
    running: 1,
    callsPassedOn: 0,
    lastUsedAt: clock.now(),
  };
  const fleet = {
    loadOf: (service) => (service === "dev.lever/one" ? { ...load } : undefined),
    room: { ramMax: 1_000, ramReserved: 100, restrictsNetworks: false },
  } satisfies TellingFleet;
  const routes = { one: { hasInstances: false, freePlaces: 0 } };
  const teller = new PlacesTeller(routerWith(routes, "services"), clock, fleet);
  clock.advance(40);
  const { lastUsedAt, ...counts } = load;
  expect(teller.changes(false)).toEqual([
    { ...toldOf("one", undefined), load: { ...counts, idleMs: 40 } },
  ]);
  load.lastUsedAt = clock.now();
  expect(teller.changes(false)).toEqual([]);
  clock.advance(2_000);
  load.lastUsedAt = clock.now();
  expect(teller.changes(true)).toMatchObject([{ load: { idleMs: 0 } }]);
  load.callsWaiting = 0;
  expect(teller.changes(true)).toMatchObject([{ load: { callsWaiting: 0 } }]);
  expect(teller.roomChange()).toEqual(fleet.room);
  expect(teller.roomChange()).toBeUndefined();
});
