import { expect, it } from "vitest";
import { destinationsOf, parseNetworkPolicy } from "./network-policy.ts";

it.each([
  ["internet"],
  ["none"],
  [["dns"]],
  [["192.0.2.7"]],
  [["192.0.2.7:5432", "10.1.0.0/16", "10.1.0.0/16:443"]],
  [["internet", "127.0.0.1:5432", "localhost:6379", "127.0.0.53:53"]],
  [["0.0.0.0/0"]],
  [["db.example.com:5432", "xn--bcher-kva.example", "Example.ORG"]],
])("the network policy %j is valid", (policy) => {
  expect(parseNetworkPolicy(policy)).toEqual(policy);
});

it.each([
  ["example"],
  ["example.org:0"],
  ["example.org/24"],
  ["-example.org"],
  [`${"a".repeat(64)}.org`],
  [`${"a.".repeat(127)}org`],
  ["256.0.0.1"],
  ["10.0.0.0/33"],
  ["10.0.0.1:0"],
  ["10.0.0.1:65536"],
  ["::1"],
  ["localhosts:1"],
  ["localhost/32:x"],
  ["none"],
  [7],
])("%j is not a destination of a network policy", (destination) => {
  expect(parseNetworkPolicy(["dns", destination])).toEqual({
    wrong: expect.stringContaining(`${JSON.stringify(destination)} is not a destination`),
  });
});

it("a network policy has 1 to 200 destinations", () => {
  const wrong = expect.stringContaining("a list of 1 to 200 destinations");
  for (const policy of [[], Array(201).fill("dns"), "all", null, {}]) {
    expect(parseNetworkPolicy(policy)).toEqual({ wrong });
  }
  expect(parseNetworkPolicy(Array(200).fill("dns"))).toHaveLength(200);
});

it.each([
  ["127.0.0.1", "is the machine itself; allowed is one address with a port"],
  ["localhost", "is the machine itself"],
  ["127.0.0.0/8:5432", "is the machine itself"],
  ["169.254.169.254:80", "is not allowed: no policy opens"],
  ["169.254.0.0/24", "is not allowed"],
  ["168.63.129.16", "is not allowed"],
  ["100.100.100.200:80", "is not allowed"],
  ["224.0.0.1", "is not allowed"],
  ["0.0.0.0", "is not allowed"],
])("no network policy may have %s, and the reason is given", (destination, reason) => {
  const wrong = expect.stringContaining(`${destination} ${reason}`);
  expect(parseNetworkPolicy([destination])).toEqual({ wrong });
});

it("a network policy has at most 50 names", () => {
  const names = Array.from({ length: 51 }, (_, index) => `db${index}.example.com`);
  expect(parseNetworkPolicy(names.slice(1))).toHaveLength(50);
  expect(parseNetworkPolicy(names)).toEqual({ wrong: "allowed are at most 50 names" });
});

it("the destinations of a policy have their kinds", () => {
  expect(
    destinationsOf(["dns", "10.1.0.0/16", "192.0.2.7:5432", "localhost:6379", "Db.example.com:1"]),
  ).toEqual([
    { kind: "dns" },
    { kind: "network", address: "10.1.0.0", prefix: 16, port: undefined },
    { kind: "network", address: "192.0.2.7", prefix: 32, port: 5432 },
    { kind: "loopback", address: "127.0.0.1", port: 6379 },
    { kind: "name", name: "db.example.com", port: 1 },
  ]);
});
