import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { World } from "./attempt.ts";

const FLOWS = 20_000;
/** A table of connections has room for some hundred thousand. */
const FLOWS_MAX = 5_000;

const ip = (...args: readonly string[]): Buffer => execFileSync("/sbin/ip", args);

/**
 * Has the probe send to many ports of an address that seems public (RFC 5737) and leads to a dead end on this machine;
 * tells whether a bounded number came through.
 */
export async function flowsOutside({ probe }: World): Promise<string> {
  const address = `203.0.113.${(process.pid % 254) + 1}`;
  const near = `lvp${process.pid}a`;
  const far = `lvp${process.pid}b`;
  ip("link", "add", near, "type", "veth", "peer", "name", far);
  try {
    for (const link of [near, far]) ip("link", "set", link, "up");
    ip("route", "add", `${address}/32`, "dev", near);
    ip("neigh", "replace", address, "lladdr", "02:00:00:00:00:01", "dev", near);
    const arrived = (): number =>
      Number(readFileSync(`/sys/class/net/${far}/statistics/rx_packets`, "utf8"));
    const before = arrived();
    const sent = await probe(
      "python",
      `
it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(1, ${FLOWS} + 1):
    attempt(lambda: it.sendto(b"x", ("${address}", port)))
say("sent")`,
    );
    const came = arrived() - before;
    if (sent !== "sent") return sent;
    return came < FLOWS_MAX ? "bounded" : `${Math.round((100 * came) / FLOWS)} % came through`;
  } finally {
    ip("link", "del", near);
  }
}
