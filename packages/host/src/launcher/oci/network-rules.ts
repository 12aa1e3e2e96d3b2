import {
  type Destination,
  destinationsOf,
  forbiddenNetworks,
  type NetworkPolicy,
} from "@leveros/protocol";
import { machineBase } from "./machine-rules.ts";

/**
 * Networks that are not the internet: this network, private and shared networks, loopback, link-local, documentation and
 * benchmark networks, multicast, reserved (IANA special-purpose registry, RFC 6890).
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

const DNS_PORT = 53;
/** The chain of all environments with the default policy. */
export const INTERNET_CHAIN = "internet";
/** Tracked connections of one instance. The kernel has one table of about 100,000 for the machine. */
const CONNECTIONS_MAX = 1_024;
/** More than a range of addresses has. */
const ADDRESSES_MAX = 65_535;

/** Different dropped connections of all instances in a minute that can be listed. Further ones are only dropped. */
const BLOCKED_MAX = 4_096;

interface BaseRules {
  readonly table: string;
  /** Addresses of this host's containers. */
  readonly subnet: string;
  /** The address of the host's end of every container's link. */
  readonly gateway: string;
  /** Addresses of the containers of every host on the machine. */
  readonly subnets: readonly string[];
  readonly nameservers: readonly string[];
}

/**
 * The rules that all containers of a host share, as input of nft(8). Their priority is before that of other firewalls
 * (0): a packet that they drop reaches no other rule.
 */
export function baseRules({ table, subnet, gateway, subnets, nameservers }: BaseRules): string {
  const flowsRule = `ct state new add @flows { ip saddr ct count over ${CONNECTIONS_MAX} } drop`;
  // Before the forbidden networks: the name servers of some clouds are link-local.
  const dnsRules = toNameservers(nameservers).map((rule) => `${rule} ip saddr vmap @policies`);
  return `table inet ${table} {
  map policies { type ipv4_addr : verdict; }
  set flows { type ipv4_addr; flags dynamic; size ${ADDRESSES_MAX}; }
  ${machineBase({ subnet, gateway, flowsRule })}
  chain forward {
    type filter hook forward priority -10;
    ip saddr ${subnet} jump outgoing
    ip daddr ${subnet} ct state established,related accept
    ip daddr ${subnet} drop
  }
  chain outgoing {
    ct state invalid drop
    ${flowsRule}
    ${dnsRules.join("\n    ")}
    ip daddr { ${[...forbiddenNetworks, ...subnets].join(", ")} } goto refused
    ip saddr vmap @policies
    goto refused
  }
  set blocked {
    type ipv4_addr . ipv4_addr . inet_proto . inet_service
    flags dynamic,timeout
    timeout 1m
    size ${BLOCKED_MAX}
  }
  chain refused {
    meta l4proto { tcp, udp } update @blocked { ip saddr . ip daddr . meta l4proto . th dport }
    drop
  }
  chain ${INTERNET_CHAIN} {
    ${accepted("internet", nameservers, () => []).join("\n    ")}
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ip saddr ${subnet} ip daddr != ${subnet} masquerade
  }
}
`;
}

interface PolicyChain {
  readonly table: string;
  readonly chain: string;
  readonly policy: NetworkPolicy;
  readonly nameservers: readonly string[];
  /** The addresses that a name has now. */
  readonly addressesOf: (name: string) => readonly string[];
}

/** Commands of nft(8) that create or replace the chain of a policy. nft runs them as one transaction. */
export function policyChain(options: PolicyChain): string[] {
  const { table, chain, policy, nameservers, addressesOf } = options;
  return [
    `add chain inet ${table} ${chain}`,
    `flush chain inet ${table} ${chain}`,
    ...accepted(policy, nameservers, addressesOf).map(
      (rule) => `add rule inet ${table} ${chain} ${rule}`,
    ),
  ];
}

function accepted(
  policy: NetworkPolicy,
  nameservers: readonly string[],
  addressesOf: PolicyChain["addressesOf"],
): string[] {
  if (policy === "none") return [];
  const dns = toNameservers(nameservers).map((rule) => `${rule} accept`);
  // They drop private addresses, which a list may contain.
  const internet = [...dns, `ip daddr { ${NOT_INTERNET.join(", ")} } goto refused`, "accept"];
  if (policy === "internet") return internet;
  const destinations = destinationsOf(policy);
  const rulesFor = (destination: Destination): string[] => {
    switch (destination.kind) {
      case "dns":
        return dns;
      case "network": {
        const { address, prefix, port } = destination;
        return acceptedAt(prefix === 32 ? address : `${address}/${prefix}`, port);
      }
      case "name": {
        const addresses = addressesOf(destination.name);
        if (addresses.length === 0) return [];
        return acceptedAt(`{ ${addresses.join(", ")} }`, destination.port);
      }
      // The rules of the internet come last, those of the machine are elsewhere (machine-rules.ts).
      case "internet":
      case "loopback":
        return [];
    }
  };
  const has = (kind: Destination["kind"]): boolean => destinations.some((of) => of.kind === kind);
  return [
    // An instance that may reach a name must be able to resolve it.
    ...(has("name") && !has("dns") ? dns : []),
    ...destinations.flatMap(rulesFor),
    ...(has("internet") ? internet : []),
  ];
}

function acceptedAt(network: string, port: number | undefined): string[] {
  if (port === undefined) return [`ip daddr ${network} accept`];
  return ["tcp", "udp"].map((protocol) => `ip daddr ${network} ${protocol} dport ${port} accept`);
}

/** Matches packets to name servers, which may have private addresses, and only to their DNS port. */
function toNameservers(nameservers: readonly string[]): string[] {
  if (nameservers.length === 0) return [];
  return ["udp", "tcp"].map(
    (protocol) => `ip daddr { ${nameservers.join(", ")} } ${protocol} dport ${DNS_PORT}`,
  );
}
