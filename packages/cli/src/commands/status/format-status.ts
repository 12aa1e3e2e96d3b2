import type { HostStatus } from "@leveros/protocol";
import { formatAge, formatBytes, formatCount } from "../../quantity.ts";
import { formatTable } from "../../table.ts";

const MEGABYTE = 1_000_000;

export function formatStatus(status: HostStatus, nowMs: number): string {
  const { version, machine, node, pid, notReady, bind, port, tls, workers, isolation } = status;
  const { host, environments, services, instances, memory, disk, database, warnings } = status;
  const authority = `${bind.includes(":") ? `[${bind}]` : bind}:${port}`;
  const copied =
    database.copiedAt === null
      ? "no copy yet"
      : `copied ${formatAge(Date.parse(database.copiedAt), nowMs)} ago`;
  const ram = `${formatBytes(memory.ramReserved * MEGABYTE)} of ${formatBytes(memory.ramMax * MEGABYTE)}`;
  const rows = [
    ["state", notReady === null ? "ready" : `not ready: ${notReady}`],
    ["host", `Lever ${version} on ${machine}, pid ${pid}, Node ${node}`],
    ...(host === undefined ? [] : [["cluster", `${host} is one of its hosts: lever hosts`]]),
    ["up", `${formatAge(0, status.uptimeMs)}, at ${tls ? "https" : "http"}://${authority}`],
    ["isolation", isolation === "oci" ? "containers" : "processes"],
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
