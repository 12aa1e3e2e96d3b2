import { existsSync, readFileSync } from "node:fs";

/** systemd-resolved writes the servers behind its own loopback address to the second file. */
const FILES = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/** IPv4 addresses of the machine's name servers. Empty when it has none that containers could reach. */
export function readNameservers(): readonly string[] {
  for (const file of FILES) {
    if (!existsSync(file)) continue;
    const found = parseNameservers(readFileSync(file, "utf8"));
    if (found.length > 0) return found;
  }
  return [];
}

/** The name servers in a resolv.conf(5), without those on the loopback, which a container cannot reach. */
export function parseNameservers(text: string): readonly string[] {
  return [...text.matchAll(/^nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)]
    .map(([, address = ""]) => address)
    .filter((address) => !address.startsWith("127."));
}
