import { beforeEach, expect, it } from "vitest";
import { PolicyMap } from "./policy-map.ts";

let map: PolicyMap;
let nameservers: string[];

beforeEach(() => {
  nameservers = [];
  map = new PolicyMap({ table: "lever_x", nameservers: () => nameservers });
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
  expect(map.commandsFor("dev").at(-1)).toMatch(/^add rule inet lever_x env_\w{24} accept$/);
});

it("a removed address is no longer part of its environment", () => {
  map.join("10.213.0.2", "dev");
  expect(elements(map.remove("10.213.0.2"))).toEqual(["-10.213.0.2"]);
  map.setPolicy("dev", "none");
  expect(elements(map.commandsFor("dev"))).toEqual([]);
});

it("chains have the name servers of the time of the change", () => {
  map.setPolicy("dev", ["dns"]);
  expect(map.commandsFor("dev")).toHaveLength(2);
  nameservers = ["10.0.0.2"];
  expect(map.commandsFor("dev").slice(2).join()).toContain("10.0.0.2");
});

it("environments whose names differ have chains whose names differ, as nft allows them", () => {
  const chains = ["dev", "Dev", "d".repeat(200), "größe"].map(
    (environment) => map.commandsFor(environment)[0]?.split(" ").at(-1) ?? "",
  );
  expect(new Set(chains).size).toBe(4);
  expect(chains.every((chain) => /^env_[0-9a-f]{24}$/.test(chain))).toBe(true);
});
