import { expect, it } from "vitest";
import { parseNetworkPolicy } from "./network-policy.ts";

it.each([
  ["internet"],
  ["none"],
  [["dns"]],
  [["192.0.2.7"]],
  [["192.0.2.7:5432", "10.1.0.0/16", "10.1.0.0/16:443"]],
])("the network policy %j is valid", (policy) => {
  expect(parseNetworkPolicy(policy)).toEqual(policy);
});

it.each([
  ["example.org"],
  ["256.0.0.1"],
  ["10.0.0.0/33"],
  ["10.0.0.1:0"],
  ["10.0.0.1:65536"],
  ["::1"],
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
