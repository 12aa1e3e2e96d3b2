import { expect, it } from "vitest";
import { PlacesTeller, type TellingRouter } from "./places-teller.ts";

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
  const teller = new PlacesTeller(routerWith({ one, idle }, "services"));
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
  );
  teller.changes(true);
  expect(teller.changes(false)).toEqual([toldOf("one", undefined)]);
});

it("the admin service of a host is not told", () => {
  const admin = { hasInstances: true, freePlaces: 3 };
  expect(new PlacesTeller(routerWith({ admin }, "platform")).changes(true)).toEqual([]);
});
