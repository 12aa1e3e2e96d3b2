import { expect, it } from "vitest";
import { homeOf } from "./home-host.ts";

const services = Array.from({ length: 900 }, (_, index) => `dev.lever/service-${index}`);

it("services have their homes on all hosts, about as many on each", () => {
  const homes = services.map((service) => homeOf(service, ["a", "b", "c"]));
  for (const host of ["a", "b", "c"]) {
    const count = homes.filter((home) => home === host).length;
    expect(count).toBeGreaterThan(250);
    expect(count).toBeLessThan(350);
  }
});

it("only the services of a host that goes get another home, and the order of hosts does not matter", () => {
  for (const service of services) {
    const home = homeOf(service, ["a", "b", "c"]);
    expect(homeOf(service, ["c", "a", "b"])).toBe(home);
    const without = homeOf(service, ["a", "b"]);
    if (home === "c") expect(["a", "b"]).toContain(without);
    else expect(without).toBe(home);
  }
  expect(homeOf("dev.lever/x", [])).toBeUndefined();
});
