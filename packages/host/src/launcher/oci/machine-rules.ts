/**
 * Rules for the ports of the host's machine that a policy lists. Instances reach nothing else of it.
 *
 * A loopback address belongs to each network namespace by itself. A container's own rules send a listed port of it to a
 * port of the host's end of the link; the host's rules send that port to the host's loopback address, with 127.0.0.1 as
 * the source, so that servers which accept only local connections accept these.
 */
import type { Destination } from "@leveros/protocol";

type LoopbackPort = Extract<Destination, { kind: "loopback" }>;

/** The first of the ports at the host's end of a link that stand for listed loopback ports, in their order. */
const FIRST_PORT = 10_000;
/** The table in a container's network namespace. */
const INNER_TABLE = "lever";
const PROTOCOLS = ["tcp", "udp"];

interface MachineBase {
  readonly subnet: string;
  /** The address of the host's end of every link. */
  readonly gateway: string;
  /** A rule that drops packets of an instance with too many connections. */
  readonly flowsRule: string;
}

/** The part of the host's table for packets to the machine itself. */
export function machineBase({ subnet, gateway, flowsRule }: MachineBase): string {
  return `map machine_ports { type ipv4_addr : verdict; }
  map machine_policies { type ipv4_addr : verdict; }
  set lever_ports { type inet_service; }
  chain prerouting {
    type nat hook prerouting priority -100;
    ip saddr ${subnet} ip daddr ${gateway} ip saddr vmap @machine_ports
  }
  chain input {
    type filter hook input priority -10;
    ip saddr ${subnet} jump machine
  }
  chain machine {
    ct state invalid drop
    ${flowsRule}
    ip daddr 127.0.0.0/8 tcp dport @lever_ports goto refused
    ip saddr vmap @machine_policies
    goto refused
  }
  chain machine_source {
    type nat hook input priority 100;
    ip saddr ${subnet} ip daddr 127.0.0.0/8 snat ip to 127.0.0.1
  }`;
}

interface MachineChains {
  readonly table: string;
  /** The chain that sends ports of the gateway to loopback addresses. */
  readonly portsChain: string;
  /** The chain that accepts packets to the machine. */
  readonly policyChain: string;
  readonly destinations: readonly Destination[];
  readonly gateway: string;
  /** Addresses of the machine. */
  readonly addresses: ReadonlySet<string>;
}

/** Commands of nft(8) that create or replace the chains of a policy for packets to the machine. */
export function machineChains(options: MachineChains): string[] {
  const { table, portsChain, policyChain, destinations, gateway, addresses } = options;
  const ports = loopbackPorts(destinations);
  return [
    ...chain(table, portsChain, [
      ...eachProtocol(ports, ({ address, port }, index, protocol) => {
        return `ip daddr ${gateway} ${protocol} dport ${FIRST_PORT + index} dnat ip to ${address}:${port}`;
      }),
    ]),
    ...chain(table, policyChain, [
      ...eachProtocol(ports, ({ address, port }, _, protocol) => {
        return `ip daddr ${address} ${protocol} dport ${port} ct status dnat accept`;
      }),
      ...eachProtocol(destinations, (of, _, protocol) => {
        if (of.kind !== "network" || of.prefix !== 32 || of.port === undefined) return undefined;
        if (!addresses.has(of.address)) return undefined;
        return `ip daddr ${of.address} ${protocol} dport ${of.port} accept`;
      }),
    ]),
  ];
}

/** The loopback ports in their order, each once. */
export function loopbackPorts(destinations: readonly Destination[]): readonly LoopbackPort[] {
  const ports = destinations.filter((destination) => destination.kind === "loopback");
  return [...new Map(ports.map((of) => [`${of.address}:${of.port}`, of])).values()];
}

/** Input of nft(8) that replaces the rules in a container's network namespace. */
export function innerRules(ports: readonly LoopbackPort[], gateway: string): string {
  // nft fails to delete a table that does not exist, so it is created first.
  const remove = `table ip ${INNER_TABLE} {}\ndelete table ip ${INNER_TABLE}\n`;
  if (ports.length === 0) return remove;
  const rules = eachProtocol(ports, ({ address, port }, index, protocol) => {
    return `ip daddr ${address} ${protocol} dport ${port} dnat to ${gateway}:${FIRST_PORT + index}`;
  });
  return `${remove}table ip ${INNER_TABLE} {
  chain output {
    type nat hook output priority -100;
    ${rules.join("\n    ")}
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ip saddr 127.0.0.0/8 ip daddr ${gateway} masquerade
  }
}
`;
}

function chain(table: string, name: string, rules: readonly string[]): string[] {
  return [
    `add chain inet ${table} ${name}`,
    `flush chain inet ${table} ${name}`,
    ...rules.map((rule) => `add rule inet ${table} ${name} ${rule}`),
  ];
}

function eachProtocol<Of>(
  list: readonly Of[],
  ruleOf: (of: Of, index: number, protocol: string) => string | undefined,
): string[] {
  return list.flatMap((of, index) =>
    PROTOCOLS.flatMap((protocol) => ruleOf(of, index, protocol) ?? []),
  );
}
