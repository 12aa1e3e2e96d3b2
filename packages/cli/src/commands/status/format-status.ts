import type { HostStatus } from "@leveros/protocol";
import { formatAge, formatBytes, formatCount } from "../../quantity.ts";
import { formatTable } from "../../table.ts";

const MEGABYTE = 1_000_000;

/** Formats a host, or each host of a cluster as a line, with the warnings of all. */
export function formatStatus(status: HostStatus, nowMs: number): string {
  if (status.hosts !== undefined) return formatHosts(status, status.hosts);
  const { version, machine, node, pid, notReady, workers } = status;
  const { host, environments, services, instances, memory, disk, database, warnings } = status;
  const copied =
    database.copiedAt === null
      ? "no copy yet"
      : `copied ${formatAge(Date.parse(database.copiedAt), nowMs)} ago`;
  const ram = formatRam(status);
  const rows = [
    ["state", notReady === null ? "ready" : `not ready: ${notReady}`],
    ["host", `Lever ${version} on ${machine}, pid ${pid}, Node ${node}`],
    ...(host === undefined ? [] : [["cluster", `${host} is one of its hosts: lever hosts`]]),
    ["up", `${formatAge(0, status.uptimeMs)}, at ${addressOf(status)}`],
    ["isolation", formatIsolation(status)],
    ...(workers.wanted > 1 ? [["workers", `${workers.running} of ${workers.wanted}`]] : []),
    [
      "services",
      `${services} in ${formatCount(environments, "environment", "environments")}, with ${formatCount(instances, "instance", "instances")}`,
    ],
    ["memory", `${formatBytes(memory.hostBytes)} of the host, ${ram} reserved for instances`],
    [
      "disk",
      `${formatBytes(disk.freeBytes)} of ${formatBytes(disk.totalBytes)} free for ${disk.dataDir}`,
    ],
    ["database", `${formatBytes(database.bytes)}, ${copied}`],
    ["warnings", warnings.length === 0 ? "none" : String(warnings.length)],
  ];
  return [formatTable(rows), ...warnings.map((warning) => `  - ${warning}`)].join("\n");
}

function formatHosts({ warnings }: HostStatus, hosts: readonly HostStatus[]): string {
  const head = ["HOST", "STATE", "VERSION", "UP", "ADDRESS", "ISOLATION", "INSTANCES", "RESERVED"];
  const rows = hosts.map((of) => [
    of.host ?? "",
    of.notReady === null ? "ready" : `not ready: ${of.notReady}`,
    of.version,
    formatAge(0, of.uptimeMs),
    addressOf(of),
    formatIsolation(of),
    String(of.instances),
    formatRam(of),
    `${formatBytes(of.disk.freeBytes)} of ${formatBytes(of.disk.totalBytes)}`,
  ]);
  const count = warnings.length === 0 ? "no warnings" : "warnings:";
  const table = formatTable([[...head, "FREE DISK"], ...rows]);
  return [table, "", count, ...warnings.map((warning) => `  - ${warning}`)].join("\n");
}

function addressOf({ bind, port, tls }: HostStatus): string {
  return `${tls ? "https" : "http"}://${bind.includes(":") ? `[${bind}]` : bind}:${port}`;
}

function formatRam({ memory }: HostStatus): string {
  return `${formatBytes(memory.ramReserved * MEGABYTE)} of ${formatBytes(memory.ramMax * MEGABYTE)}`;
}

function formatIsolation({ isolation }: HostStatus): string {
  return isolation === "oci" ? "containers" : "processes";
}
