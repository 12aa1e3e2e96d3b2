import type { NetworkPolicy } from "@leveros/protocol";
import { describe, expect, it } from "vitest";
import { baseRules, policyChain } from "./network-rules.ts";

const nameservers = ["10.0.0.2", "169.254.169.253"];
const dns = ["udp", "tcp"].map(
  (protocol) => `ip daddr { 10.0.0.2, 169.254.169.253 } ${protocol} dport 53`,
);

describe("the chain of a policy", () => {
  const rulesOf = (policy: NetworkPolicy, servers = nameservers): string[] => {
    const [add, flush, ...rules] = policyChain({
      table: "lever_x",
      chain: "env_1",
      policy,
      nameservers: servers,
      addressesOf: (name) => (name === "db.example.com" ? ["192.0.2.7", "192.0.2.8"] : []),
    });
    expect([add, flush]).toEqual([
      "add chain inet lever_x env_1",
      "flush chain inet lever_x env_1",
    ]);
    const prefix = "add rule inet lever_x env_1 ";
    expect(rules.every((rule) => rule.startsWith(prefix))).toBe(true);
    return rules.map((rule) => rule.slice(prefix.length));
  };

  it("none accepts nothing", () => {
    expect(rulesOf("none")).toEqual([]);
  });

  it("internet accepts DNS, drops private networks, and accepts the rest", () => {
    const rules = rulesOf("internet");
    expect(rules.slice(0, 2)).toEqual(dns.map((rule) => `${rule} accept`));
    expect(rules.slice(3)).toEqual(["accept"]);
    for (const network of ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"]) {
      expect(rules[2]).toContain(network);
    }
    expect(rules[2]).toMatch(/^ip daddr \{.*\} goto refused$/);
  });

  it("internet without name servers has no rule for DNS", () => {
    expect(rulesOf("internet", [])).toHaveLength(2);
  });

  it("a list with a name accepts DNS, and the addresses that the name has", () => {
    expect(rulesOf(["db.example.com:5432", "db.example.com", "unknown.example.com"])).toEqual([
      ...dns.map((rule) => `${rule} accept`),
      "ip daddr { 192.0.2.7, 192.0.2.8 } tcp dport 5432 accept",
      "ip daddr { 192.0.2.7, 192.0.2.8 } udp dport 5432 accept",
      "ip daddr { 192.0.2.7, 192.0.2.8 } accept",
    ]);
  });

  it("a list accepts its networks, ports and DNS, in order, and nothing else", () => {
    expect(rulesOf(["10.1.0.0/16", "dns", "192.0.2.7:5432"])).toEqual([
      "ip daddr 10.1.0.0/16 accept",
      ...dns.map((rule) => `${rule} accept`),
      "ip daddr 192.0.2.7 tcp dport 5432 accept",
      "ip daddr 192.0.2.7 udp dport 5432 accept",
    ]);
  });
});

it("a list with internet accepts its own entries before the internet", () => {
  const rules = policyChain({
    table: "t",
    chain: "c",
    policy: ["internet", "10.1.0.0/16", "localhost:5432"],
    nameservers: [],
    addressesOf: () => [],
  });
  expect(rules.slice(2)).toEqual([
    "add rule inet t c ip daddr 10.1.0.0/16 accept",
    expect.stringContaining("goto refused"),
    "add rule inet t c accept",
  ]);
});

describe("the rules of a host", () => {
  const rules = baseRules({
    table: "lever_x",
    subnet: "10.213.0.0/20",
    gateway: "10.213.0.1",
    subnets: ["10.213.0.0/20", "10.213.16.0/20"],
    nameservers,
  });
  const chain = (name: string): string[] => {
    const body = new RegExp(`chain ${name} \\{\\n([^}]*(?:\\{[^}]*\\}[^}]*)*?)\\n  \\}`).exec(
      rules,
    )?.[1];
    return (body ?? "").split("\n").map((line) => line.trim());
  };

  it("a container reaches no service of the host but those of its policy, and never Lever by loopback", () => {
    expect(chain("input")).toEqual([
      "type filter hook input priority -10;",
      "ip saddr 10.213.0.0/20 jump machine",
    ]);
    expect(chain("machine").slice(2)).toEqual([
      "ip daddr 127.0.0.0/8 tcp dport @lever_ports goto refused",
      "ip saddr vmap @machine_policies",
      "goto refused",
    ]);
    expect(chain("refused").at(-1)).toBe("drop");
  });

  it("only answers reach a container from outside", () => {
    expect(chain("forward").slice(1)).toEqual([
      "ip saddr 10.213.0.0/20 jump outgoing",
      "ip daddr 10.213.0.0/20 ct state established,related accept",
      "ip daddr 10.213.0.0/20 drop",
    ]);
  });

  it("outgoing packets pass DNS, then forbidden networks, then the policy, and are dropped last", () => {
    const outgoing = chain("outgoing");
    expect(outgoing.slice(2, 4)).toEqual(dns.map((rule) => `${rule} ip saddr vmap @policies`));
    expect(outgoing[4]).toMatch(
      /^ip daddr \{.*169\.254\.0\.0\/16.*168\.63\.129\.16.*\} goto refused$/,
    );
    expect(outgoing[4]).toContain("10.213.0.0/20, 10.213.16.0/20");
    expect(outgoing.slice(5)).toEqual(["ip saddr vmap @policies", "goto refused"]);
  });

  it("an instance has a limited number of tracked connections", () => {
    expect(chain("outgoing")[1]).toBe(
      "ct state new add @flows { ip saddr ct count over 1024 } drop",
    );
  });

  it("the addresses of containers are masqueraded outside of their network", () => {
    expect(chain("postrouting").at(-1)).toBe(
      "ip saddr 10.213.0.0/20 ip daddr != 10.213.0.0/20 masquerade",
    );
  });
});
