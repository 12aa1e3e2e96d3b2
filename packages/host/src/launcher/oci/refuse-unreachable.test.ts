import { expect, it } from "vitest";
import { refuseUnreachable } from "./refuse-unreachable.ts";

const surroundings = {
  leverPorts: new Set([8080]),
  addresses: new Set(["192.0.2.1", "127.0.0.1"]),
  subnets: ["10.213.0.0/20"],
};

it.each([
  ["internet"],
  ["none"],
  [["internet", "dns", "localhost:5432", "192.0.2.1:5432", "192.0.2.0/24", "10.0.0.0/8"]],
])("%j is reachable as it is listed", (policy) => {
  expect(refuseUnreachable(policy as "none", surroundings)).toBeUndefined();
});

it.each([
  ["localhost:8080", "127.0.0.1:8080 is this host itself"],
  ["192.0.2.1", "192.0.2.1 is this machine; name a port too, such as 192.0.2.1:5432"],
  ["10.213.0.1:22", "10.213.0.1 belongs to the network of instances"],
  ["10.213.1.0/24", "belongs to the network of instances"],
])("%s is refused: %s", (destination, reason) => {
  expect(refuseUnreachable([destination], surroundings)).toContain(reason);
});
