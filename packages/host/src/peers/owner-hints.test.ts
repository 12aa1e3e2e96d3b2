import { expect, it } from "vitest";
import { OwnerHints } from "./owner-hints.ts";

const route = { environment: "dev.lever", service: "svc" };
const owner = (host: string): { host: string; incarnation: number } => ({ host, incarnation: 1 });

it("the newest owners are remembered, as many as may be", () => {
  const hints = new OwnerHints(2);
  for (const resource of ["r1", "r2", "r1", "r3"]) hints.set(route, resource, owner(resource));
  expect(hints.get(route, "r1")).toEqual(owner("r1"));
  expect(hints.get(route, "r2")).toBeUndefined();
  expect(hints.get(route, "r3")).toEqual(owner("r3"));
  hints.forget(route, "r3");
  expect(hints.get(route, "r3")).toBeUndefined();
});

it("resources with one name in two services have owners of their own", () => {
  const hints = new OwnerHints(10);
  hints.set(route, "b/r", owner("a"));
  expect(hints.get({ ...route, service: "svc2" }, "b/r")).toBeUndefined();
  expect(hints.get({ ...route, environment: "other.lever" }, "b/r")).toBeUndefined();
});
