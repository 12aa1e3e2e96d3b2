import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { destinationsOf, type NetworkPolicy } from "@leveros/protocol";

/** The kernel's table of IPv4 routes: it has the machine's addresses, also those of interfaces without a carrier. */
const ROUTES_FILE = "/proc/net/fib_trie";

/** The IPv4 addresses of this machine. */
export function machineAddresses(): ReadonlySet<string> {
  try {
    return parseRoutes(readFileSync(ROUTES_FILE, "utf8"));
  } catch {
    const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    return new Set(interfaces.map(({ address }) => address));
  }
}

/** The addresses with the type LOCAL in the text of /proc/net/fib_trie. */
export function parseRoutes(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const [, address = ""] of text.matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL/g)) {
    found.add(address);
  }
  return found;
}

/** Says whether a policy opens ports of this machine itself. */
export function opensMachine(
  policy: NetworkPolicy,
  addresses: ReadonlySet<string> = machineAddresses(),
): boolean {
  if (typeof policy === "string") return false;
  return destinationsOf(policy).some(
    (destination) =>
      destination.kind === "loopback" ||
      (destination.kind === "network" &&
        destination.prefix === 32 &&
        addresses.has(destination.address)),
  );
}
