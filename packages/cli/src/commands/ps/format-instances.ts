import type { InstancesReport, StartTimes } from "@leveros/protocol";
import { formatAge, formatBytes, formatCount, formatDuration } from "../../quantity.ts";
import { formatTable } from "../../table.ts";

/** Formats a table of instances, and a line about the host below it. */
export function formatInstances({ instances, host }: InstancesReport, nowMs: number): string {
  const head = [
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
  return `${table}\n\n${formatHost(host)}`;
}

function formatHost(host: InstancesReport["host"]): string {
  const reserved = `${formatBytes(host.ramReserved * 1e6)} of ${formatBytes(host.ramMax * 1e6)}`;
  const warm = `${host.warmReady} of ${host.warmWanted} warm processes ready`;
  const line = `Host: ${reserved} reserved for instances, ${warm}, ${formatBytes(host.memoryBytes)} used by the host itself.`;
  const { count, warm: warmCount, medianMs } = host.starts;
  if (count === 0) return line;
  return `${line} ${formatCount(count, "instance start", "instance starts")}, ${warmCount} of them warm, median ${formatDuration(medianMs)}.`;
}

function formatStartup(start: StartTimes | undefined): string {
  if (start === undefined) return "";
  const total = formatDuration(start.prepareMs + start.launchMs + start.loadMs);
  return start.isWarm ? `${total}, warm` : total;
}
