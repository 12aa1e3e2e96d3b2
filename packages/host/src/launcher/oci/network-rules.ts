import type { NetworkPolicy } from "@leveros/protocol";
import { nameservers } from "./sandbox-root.ts";

/**
 * What is not the internet: this network, private and shared networks, loopback, link-local, documentation and benchmark
 * networks, multicast, reserved (IANA special-purpose registry, RFC 6890).
 */
const NOT_INTERNET = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/3",
];

/** What no list opens: loopback, the metadata services of clouds, which hand out the machine's credentials; multicast. */
const NEVER = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "100.100.100.200", "224.0.0.0/3"];

const DNS_PORT = 53;
/** That of the environments of which nobody has said anything else. */
export const INTERNET_CHAIN = "internet";
/** Connections of one instance that the kernel follows: it has one table of some 100,000 for the whole machine. */
const CONNECTIONS_MAX = 1_024;
/** More than a range of addresses holds. */
const ADDRESSES_MAX = 65_535;

/**
 * The rules that all containers of a host have in common. They come before those of others (priority 0), so that nobody
 * else's can let a packet through that these stop. `subnets`: those of every host on the machine.
 */
export function baseRules(table: string, subnet: string, subnets: readonly string[]): string {
  // In some clouds the name servers are link-local.
  const dnsRules = toNameServers();
  return `table inet ${table} {
  map policies { type ipv4_addr : verdict; }
  set flows { type ipv4_addr; flags dynamic; size ${ADDRESSES_MAX}; }
  chain input {
    type filter hook input priority -10;
    ip saddr ${subnet} drop
  }
  chain forward {
    type filter hook forward priority -10;
    ip saddr ${subnet} jump outgoing
    ip daddr ${subnet} ct state established,related accept
    ip daddr ${subnet} drop
  }
  chain outgoing {
    ct state invalid drop
    ct state new add @flows { ip saddr ct count over ${CONNECTIONS_MAX} } drop
    ${dnsRules.map((rule) => `${rule} ip saddr vmap @policies`).join("\n    ")}
    ip daddr { ${[...NEVER, ...subnets].join(", ")} } drop
    ip saddr vmap @policies
    drop
  }
  chain ${INTERNET_CHAIN} {
    ${accepted("internet").join("\n    ")}
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ip saddr ${subnet} ip daddr != ${subnet} masquerade
  }
}
`;
}

/** What makes a chain say what a policy lets through, and nothing else; whole or not at all. */
export function policyChain(table: string, chain: string, policy: NetworkPolicy): string[] {
  const rule = (text: string): string => `add rule inet ${table} ${chain} ${text}`;
  return [
    `add chain inet ${table} ${chain}`,
    `flush chain inet ${table} ${chain}`,
    ...accepted(policy).map(rule),
  ];
}

function accepted(policy: NetworkPolicy): string[] {
  if (policy === "none") return [];
  if (policy === "internet") {
    return [...dns(), `ip daddr { ${NOT_INTERNET.join(", ")} } drop`, "accept"];
  }
  return policy.flatMap((destination) => {
    if (destination === "dns") return dns();
    const [network = "", port] = destination.split(":");
    if (port === undefined) return `ip daddr ${network} accept`;
    return ["tcp", "udp"].map((protocol) => `ip daddr ${network} ${protocol} dport ${port} accept`);
  });
}

const dns = (): string[] => toNameServers().map((rule) => `${rule} accept`);

/** Name servers may be near, and are reached for names alone. */
function toNameServers(): string[] {
  const addresses = nameservers().join(", ");
  if (addresses === "") return [];
  return ["udp", "tcp"].map(
    (protocol) => `ip daddr { ${addresses} } ${protocol} dport ${DNS_PORT}`,
  );
}
