import {
  type InstancesHost,
  type InstancesReport,
  printable,
  type StartTimes,
} from "@leveros/protocol";
import { formatAge, formatBytes, formatCount, formatDuration } from "../../quantity.ts";
import { formatTable } from "../../table.ts";

/** Formats a table of instances, and a line about each host below it. */
export function formatInstances(
  { instances, host, hosts }: InstancesReport,
  nowMs: number,
): string {
  const head = [
    ...(hosts === undefined ? [] : ["HOST"]),
    "INSTANCE",
    "VERSION",
    "STATE",
    "CALLS",
    "STREAMS",
    "RESOURCES",
    "MEMORY",
    "AGE",
    "STARTUP",
  ];
  const rows = instances.map((instance) => [
    ...(hosts === undefined ? [] : [instance.host ?? ""]),
    instance.instance,
    String(instance.version),
    instance.state,
    String(instance.callsInFlight - instance.streamsInFlight),
    String(instance.streamsInFlight),
    String(instance.resources),
    `${formatBytes(instance.memoryBytes)} of ${formatBytes(instance.ram * 1e6)}`,
    formatAge(Date.parse(instance.startedAt), nowMs),
    formatStartup(instance.start),
  ]);
  const table =
    instances.length === 0
      ? "No instances: the next call starts one."
      : formatTable([head, ...rows]);
  const lines =
    hosts === undefined
      ? [formatHost(host, "Host")]
      : hosts.map((of) => formatHost(of, printable(of.host)));
  return `${table}\n\n${lines.join("\n")}`;
}

function formatHost(host: InstancesHost, name: string): string {
  const reserved = `${formatBytes(host.ramReserved * 1e6)} of ${formatBytes(host.ramMax * 1e6)}`;
  const warm = `${host.warmReady} of ${host.warmWanted} warm processes ready`;
  const line = `${name}: ${reserved} reserved for instances, ${warm}, ${formatBytes(host.memoryBytes)} used by the host itself.`;
  const { count, warm: warmCount, medianMs } = host.starts;
  if (count === 0) return line;
  return `${line} ${formatCount(count, "instance start", "instance starts")}, ${warmCount} of them warm, median ${formatDuration(medianMs)}.`;
}

function formatStartup(start: StartTimes | undefined): string {
  if (start === undefined) return "";
  const total = formatDuration(start.prepareMs + start.launchMs + start.loadMs);
  return start.isWarm ? `${total}, warm` : total;
}
