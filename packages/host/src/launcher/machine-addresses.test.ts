import { networkInterfaces } from "node:os";
import { expect, it } from "vitest";
import { machineAddresses, opensMachine, parseRoutes } from "./machine-addresses.ts";

const routes = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 10.0.0.7
        /32 host LOCAL
     |-- 10.0.0.255
        /32 link BROADCAST
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
              /32 host LOCAL
`;

it("the machine's addresses are those with the type LOCAL", () => {
  expect([...parseRoutes(routes)]).toEqual(["10.0.0.7", "127.0.0.1"]);
});

it("every IPv4 address of an interface of this machine is found", () => {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const found = machineAddresses();
  for (const { family, address } of all) if (family === "IPv4") expect(found).toContain(address);
});

it.each([
  ["internet", false],
  ["none", false],
  [["internet", "dns", "10.0.0.0/8", "192.0.2.7:5432"], false],
  [["localhost:5432"], true],
  [["127.0.0.53:53"], true],
  [["dns", "10.0.0.7:5432"], true],
])("%j opens the machine itself: %s", (policy, opens) => {
  expect(opensMachine(policy as "none", new Set(["10.0.0.7"]))).toBe(opens);
});
