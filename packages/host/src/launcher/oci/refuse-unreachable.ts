import { destinationsOf, isInsideNetwork, type NetworkPolicy } from "@leveros/protocol";

interface Surroundings {
  /** Ports on which this host listens for its callers. */
  readonly leverPorts: ReadonlySet<number>;
  /** Addresses of the machine. */
  readonly addresses: ReadonlySet<string>;
  /** Addresses of the containers of every host on the machine. */
  readonly subnets: readonly string[];
}

/** Completes an error sentence about a destination that instances would not reach although the policy lists it. */
export function refuseUnreachable(
  policy: NetworkPolicy,
  { leverPorts, addresses, subnets }: Surroundings,
): string | undefined {
  if (typeof policy === "string") return undefined;
  for (const destination of destinationsOf(policy)) {
    if (destination.kind === "loopback" && leverPorts.has(destination.port)) {
      return `${destination.address}:${destination.port} is this host itself; instances call services by their Lever URLs, without an entry`;
    }
    if (destination.kind !== "network") continue;
    const { address, prefix, port } = destination;
    if (subnets.some((subnet) => isInsideNetwork({ address, prefix }, subnet))) {
      return `${address} belongs to the network of instances, which do not reach each other`;
    }
    if (prefix === 32 && port === undefined && addresses.has(address)) {
      return `${address} is this machine; name a port too, such as ${address}:5432`;
    }
  }
  return undefined;
}
