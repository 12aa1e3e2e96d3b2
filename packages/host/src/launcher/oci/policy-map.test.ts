import { beforeEach, expect, it } from "vitest";
import { PolicyMap } from "./policy-map.ts";

let map: PolicyMap;
let nameservers: string[];

beforeEach(() => {
  nameservers = [];
  map = new PolicyMap({
    table: "lever_x",
    gateway: "10.213.0.1",
    nameservers: () => nameservers,
    addressesOf: () => [],
    machineAddresses: () => new Set(["192.0.2.1"]),
  });
});

/** The chains that commands map addresses to; `-` for one that is removed. */
const elements = (commands: readonly string[]): string[] =>
  commands.flatMap((command) => {
    const [, action, address, chain] =
      /^(add|delete) element inet lever_x policies \{ (\S+)(?: : jump (\S+))? \}$/.exec(command) ??
      [];
    if (action === undefined) return [];
    return [action === "delete" ? `-${address}` : `${address} ${chain?.replace(/_.*/, "_")}`];
  });

it("a new container has the default policy", () => {
  expect(elements(map.add("10.213.0.2"))).toEqual(["10.213.0.2 internet"]);
});

it("a container that joins an environment with the default policy changes no rule", () => {
  expect(map.join("10.213.0.2", "dev")).toBe(false);
  expect(map.setPolicy("dev", "internet")).toBe(false);
});

it("a changed policy applies to all addresses of its environment and to no other", () => {
  map.join("10.213.0.2", "dev");
  map.join("10.213.0.3", "dev");
  map.join("10.213.0.4", "live");
  expect(map.setPolicy("dev", "none")).toBe(true);
  expect(elements(map.commandsFor("dev"))).toEqual([
    "-10.213.0.2",
    "10.213.0.2 env_",
    "-10.213.0.3",
    "10.213.0.3 env_",
  ]);
});

it("a container that joins an environment with a policy moves alone", () => {
  map.join("10.213.0.2", "dev");
  map.setPolicy("dev", "none");
  expect(map.join("10.213.0.3", "dev")).toBe(true);
  expect(elements(map.commandsFor("dev", ["10.213.0.3"]))).toEqual([
    "-10.213.0.3",
    "10.213.0.3 env_",
  ]);
});

it("an environment that had a policy keeps its chain when it returns to the default", () => {
  map.setPolicy("dev", "none");
  expect(map.setPolicy("dev", "internet")).toBe(true);
  expect(map.commandsFor("dev")).toContainEqual(
    expect.stringMatching(/^add rule inet lever_x env_\w{24} accept$/),
  );
});

it("a removed address is no longer part of its environment", () => {
  map.join("10.213.0.2", "dev");
  expect(elements(map.remove("10.213.0.2"))).toEqual(["-10.213.0.2"]);
  map.setPolicy("dev", "none");
  expect(elements(map.commandsFor("dev"))).toEqual([]);
});

it("chains have the name servers of the time of the change", () => {
  map.setPolicy("dev", ["dns"]);
  expect(map.commandsFor("dev").join()).not.toContain("rule");
  nameservers = ["10.0.0.2"];
  expect(map.commandsFor("dev").join()).toContain("10.0.0.2");
});

it("environments whose names differ have chains whose names differ, as nft allows them", () => {
  const chains = ["dev", "Dev", "d".repeat(200), "größe"].map(
    (environment) => map.commandsFor(environment)[0]?.split(" ").at(-1) ?? "",
  );
  expect(new Set(chains).size).toBe(4);
  expect(chains.every((chain) => /^env_[0-9a-f]{24}$/.test(chain))).toBe(true);
});

it("a listed port of a loopback address is open by the host's end of the link, and no other", () => {
  map.setPolicy("dev", ["localhost:5432", "127.0.0.53:53", "127.0.0.1:5432"]);
  const rules = map.commandsFor("dev").filter((command) => command.startsWith("add rule"));
  expect(rules.filter((rule) => / tcp | ct /.test(rule)).map((rule) => rule.slice(22))).toEqual([
    expect.stringMatching(
      /^ports_\w+ ip daddr 10.213.0.1 tcp dport 10000 dnat ip to 127.0.0.1:5432$/,
    ),
    expect.stringMatching(
      /^ports_\w+ ip daddr 10.213.0.1 tcp dport 10001 dnat ip to 127.0.0.53:53$/,
    ),
    expect.stringMatching(/^machine_\w+ ip daddr 127.0.0.1 tcp dport 5432 ct status dnat accept$/),
    expect.stringMatching(/^machine_\w+ ip daddr 127.0.0.1 udp dport 5432 ct status dnat accept$/),
    expect.stringMatching(/^machine_\w+ ip daddr 127.0.0.53 tcp dport 53 ct status dnat accept$/),
    expect.stringMatching(/^machine_\w+ ip daddr 127.0.0.53 udp dport 53 ct status dnat accept$/),
  ]);
});

it("a listed port of an address of the machine is open there; a network around it opens none", () => {
  map.setPolicy("dev", ["192.0.2.0/24", "192.0.2.1", "192.0.2.1:5432", "192.0.2.2:5432"]);
  const atMachine = map.commandsFor("dev").filter((command) => / machine_\w+ ip /.test(command));
  expect(atMachine).toEqual([
    expect.stringMatching(/ ip daddr 192.0.2.1 tcp dport 5432 accept$/),
    expect.stringMatching(/ ip daddr 192.0.2.1 udp dport 5432 accept$/),
  ]);
});

it("an address is mapped to the chains for the machine once, and removed from them", () => {
  map.join("10.213.0.2", "dev");
  map.setPolicy("dev", "none");
  const mapped = (commands: readonly string[]): number =>
    commands.filter((command) => / element .* machine_(ports|policies) /.test(command)).length;
  expect(mapped(map.commandsFor("dev"))).toBe(2);
  expect(mapped(map.commandsFor("dev"))).toBe(0);
  expect(mapped(map.remove("10.213.0.2"))).toBe(2);
});
