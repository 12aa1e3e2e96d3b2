/**
 * The destinations that an environment's instances may connect to: the internet, none, or this list. Calls to other
 * services go over the link and are not affected.
 */
export type NetworkPolicy = "internet" | "none" | readonly string[];

/** An entry of a list. Ports are those of TCP and of UDP. */
export type Destination =
  | { readonly kind: "internet" }
  /** The machine's name servers. */
  | { readonly kind: "dns" }
  /** IPv4 addresses; every port when it has none. `prefix` 32 = one address. */
  | {
      readonly kind: "network";
      readonly address: string;
      readonly prefix: number;
      readonly port: number | undefined;
    }
  /** The IPv4 addresses that the machine's name servers return for a name, as they change. Implies `dns`. */
  | { readonly kind: "name"; readonly name: string; readonly port: number | undefined }
  /** A port of a loopback address of the host's machine. Instances reach it at the same address. */
  | { readonly kind: "loopback"; readonly address: string; readonly port: number };

/**
 * Networks that no policy opens: this network, loopback, link-local, multicast, and the metadata services of clouds, which
 * hand out the machine's credentials (of Alibaba Cloud and Azure, and most others by link-local addresses).
 */
export const forbiddenNetworks: readonly string[] = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "100.100.100.200",
  "168.63.129.16",
  "224.0.0.0/3",
];

const DESTINATIONS_MAX = 200;
const NETWORK = /^(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?:\/(\d{1,2}))?(?::(\d{1,5}))?$/;
/** A domain name (RFC 1123) of two labels or more. The last one begins with a letter, so it is no address. */
const NAME =
  /^((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)(?::(\d{1,5}))?$/;
const NAME_LENGTH_MAX = 253;
const NAMES_MAX = 50;
const ALLOWED =
  '"internet", "dns", an IPv4 address or network or a domain name, optionally with a port (192.0.2.7:5432, 10.1.0.0/16, db.example.com:5432), or a port of the machine itself (localhost:5432)';

/** Parses a network policy. `wrong` completes an error sentence: what is invalid, and what is allowed. */
export function parseNetworkPolicy(value: unknown): NetworkPolicy | { readonly wrong: string } {
  if (value === "internet" || value === "none") return value;
  if (!Array.isArray(value) || value.length === 0 || value.length > DESTINATIONS_MAX) {
    return {
      wrong: `allowed is "internet", "none", or a list of 1 to ${DESTINATIONS_MAX} destinations`,
    };
  }
  const texts: string[] = [];
  let names = 0;
  for (const text of value) {
    const parsed = typeof text === "string" ? parseDestination(text) : undefined;
    if (parsed === undefined) {
      return { wrong: `${JSON.stringify(text)} is not a destination; allowed is ${ALLOWED}` };
    }
    if ("wrong" in parsed) return { wrong: `${text} ${parsed.wrong}` };
    if (parsed.kind === "name" && ++names > NAMES_MAX) {
      return { wrong: `allowed are at most ${NAMES_MAX} names` };
    }
    texts.push(text);
  }
  return texts;
}

/** The destinations of a policy that is a list and has been parsed. */
export function destinationsOf(policy: readonly string[]): readonly Destination[] {
  return policy.flatMap((text) => {
    const parsed = parseDestination(text);
    return parsed === undefined || "wrong" in parsed ? [] : [parsed];
  });
}

/** Returns undefined for a text of another form. */
function parseDestination(text: string): Destination | { readonly wrong: string } | undefined {
  if (text === "internet" || text === "dns") return { kind: text };
  const [, address, prefix = "32", digits] =
    NETWORK.exec(text.replace(/^localhost(?=:|$)/i, "127.0.0.1")) ?? [];
  if (address === undefined) return parseName(text);
  const port = digits === undefined ? undefined : Number(digits);
  if (address.split(".").some((byte) => Number(byte) > 255) || Number(prefix) > 32)
    return undefined;
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  const network = { address, prefix: Number(prefix) };
  if (isInsideNetwork(network, "127.0.0.0/8")) {
    if (port !== undefined && network.prefix === 32) return { kind: "loopback", address, port };
    return { wrong: "is the machine itself; allowed is one address with a port: localhost:5432" };
  }
  if (forbiddenNetworks.some((forbidden) => isInsideNetwork(network, forbidden))) {
    return {
      wrong: "is not allowed: no policy opens link-local, metadata and multicast addresses",
    };
  }
  return { kind: "network", ...network, port };
}

function parseName(text: string): Destination | undefined {
  const [, name = "", digits] = NAME.exec(text.toLowerCase()) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (name === "" || name.length > NAME_LENGTH_MAX) return undefined;
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  return { kind: "name", name, port };
}

/** Every address of the network is in the other one. */
export function isInsideNetwork(
  network: { address: string; prefix: number },
  other: string,
): boolean {
  const [base = "", bits = "32"] = other.split("/");
  const shift = 32 - Number(bits);
  if (network.prefix < Number(bits)) return false;
  return (
    Math.floor(toNumber(network.address) / 2 ** shift) === Math.floor(toNumber(base) / 2 ** shift)
  );
}

const toNumber = (address: string): number =>
  address.split(".").reduce((number, byte) => number * 256 + Number(byte), 0);
