import type { HostsReport } from "@leveros/protocol";
import { formatTable } from "../../table.ts";

/** Hosts are read each second. Older answers mean that the database is away. */
const OLD_MS = 3_000;

/** Formats the hosts as a table. The one that answers has a star. */
export function formatHosts({ hosts }: HostsReport): string {
  const rows = hosts.map(({ host, isSelf, state, leaseMs, version, revisionsBehind, address }) => [
    isSelf ? `${host} *` : host,
    state,
    state === "active" ? `${(leaseMs / 1_000).toFixed(1)} s` : "-",
    version,
    String(revisionsBehind),
    address,
  ]);
  return formatTable([["HOST", "STATE", "LEASE", "VERSION", "BEHIND", "ADDRESS"], ...rows]);
}

/** undefined = the answer is new. */
export function hostsNote({ readMsAgo }: HostsReport): string | undefined {
  if (readMsAgo === null) {
    return "The database has not answered since this host started: lever cluster status has the reason.";
  }
  if (readMsAgo <= OLD_MS) return undefined;
  const seconds = Math.round(readMsAgo / 1_000);
  return `This is as of ${seconds} s ago: the database does not answer. lever cluster status has the reason.`;
}
