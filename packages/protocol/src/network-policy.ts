/**
 * The destinations that an environment's instances may connect to: the internet, none, or this list. Calls to other
 * services go over the link and are not affected.
 */
export type NetworkPolicy = "internet" | "none" | readonly Destination[];

/** `dns` (the machine's name servers), or an IPv4 address or network, optionally with one port. */
type Destination = string;

const DESTINATIONS_MAX = 200;
const DESTINATION = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?(?::(\d{1,5}))?$/;

/** Parses a network policy. `wrong` completes an error sentence: what is invalid, and what is allowed. */
export function parseNetworkPolicy(value: unknown): NetworkPolicy | { readonly wrong: string } {
  if (value === "internet" || value === "none") return value;
  if (!Array.isArray(value) || value.length === 0 || value.length > DESTINATIONS_MAX) {
    return {
      wrong: `allowed is "internet", "none", or a list of 1 to ${DESTINATIONS_MAX} destinations`,
    };
  }
  for (const destination of value) {
    if (!isDestination(destination)) {
      return {
        wrong: `${JSON.stringify(destination)} is not a destination; allowed is "dns", or an IPv4 address or network, optionally with a port: 192.0.2.7:5432, 10.1.0.0/16`,
      };
    }
  }
  return value as readonly Destination[];
}

function isDestination(value: unknown): value is Destination {
  if (value === "dns") return true;
  if (typeof value !== "string") return false;
  const [, a, b, c, d, prefix = "32", port = "1"] = DESTINATION.exec(value) ?? [];
  const bytes = [a, b, c, d].map(Number);
  return (
    a !== undefined &&
    bytes.every((byte) => byte <= 255) &&
    Number(prefix) <= 32 &&
    Number(port) >= 1 &&
    Number(port) <= 65_535
  );
}
