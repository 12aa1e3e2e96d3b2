import {
  type HostScaling,
  type PlacementReport,
  printable,
  type ScalingRecord,
  type ScalingReport,
} from "@leveros/protocol";
import { formatCount, formatDuration } from "../../quantity.ts";
import { formatTable } from "../../table.ts";

/** Explains the number of instances of a service: the current decision with its rule, and a table of earlier ones. */
export function explainScaling(report: ScalingReport): string {
  const { service, version, now, records, lastError, hosts, placement } = report;
  const others = [
    ...(now.unresponsive > 0 ? [`${now.unresponsive} unresponsive`] : []),
    ...(now.draining > 0 ? [`${now.draining} draining`] : []),
  ];
  const instances = formatCount(now.running, "instance", "instances");
  const plus = others.length === 0 ? "" : `, plus ${others.join(" and ")}`;
  const sentences = [
    `${service} version ${version} has ${instances}${plus}. It should have ${now.wanted}: ${explainReason(now, report)}.`,
    ...(hosts === undefined ? explainBlock(now) : explainHome(placement)),
    ...(lastError === null ? [] : [`The last failure of an instance: ${lastError}`]),
  ];
  const tables = hosts === undefined ? [] : [formatHosts(hosts)];
  if (records.length > 0) tables.push(formatRecords(records));
  return [sentences.join("\n"), ...tables].join("\n\n");
}

function explainHome(placement: PlacementReport | undefined): string[] {
  const { home = null, decided } = placement ?? {};
  if (home === null) return ["No host decides on its instances now."];
  const missing =
    decided === undefined || decided.missing === 0
      ? []
      : [`No host has memory for ${decided.missing} of them.`];
  return [`The host ${printable(home)} decides on its instances (its home host).`, ...missing];
}

function formatHosts(hosts: readonly HostScaling[]): string {
  const head = ["HOST", "TOLD", "WANTED", "REASON", "RUNNING", "CALLS", "WAITING", "BLOCKED BY"];
  const rows = hosts.map(({ host, told, now }) => [
    host,
    told === null ? "-" : String(told),
    String(now.wanted),
    now.reason,
    String(now.running),
    String(now.callsInFlight),
    String(now.callsWaiting),
    now.blockedBy ?? "",
  ]);
  return formatTable([head, ...rows]);
}

function explainReason(now: ScalingRecord, report: ScalingReport): string {
  const { maxInstanceLoad, minInstances, maxInstances, scaleDownAfterMs, idleTimeoutMs } = report;
  const calls = formatCount(now.callsInFlight, "call", "calls");
  const load = `${calls} in flight and ${now.callsWaiting} waiting need ${now.needed}, at ${maxInstanceLoad} calls per instance (maxInstanceLoad)`;
  switch (now.reason) {
    case "load":
      return load;
    case "recentLoad":
      return `${load}, but the load needed more within the last ${formatDuration(scaleDownAfterMs)} (scaleDownAfterMs)`;
    case "idleTimeout":
      return `the last instance stops after ${formatDuration(idleTimeoutMs)} without calls (idleTimeoutMs)`;
    case "idle":
      return "there are no calls, and the next call starts an instance";
    case "minInstances":
      return `${load}, and lever.json asks for at least ${minInstances} (minInstances)`;
    case "told":
      return "the home host of the service has decided so";
    case "maxInstances":
      return `${load}, and at most ${maxInstances} are allowed (maxInstances in lever.json, or the limit instancesPerServiceMax)`;
    case "draining":
      return "this host is drained, and the other hosts take the calls (lever hosts)";
  }
}

function explainBlock({ blockedBy }: ScalingRecord): string[] {
  switch (blockedBy) {
    case null:
      return [];
    case "memory":
      return ["No further instance can start now: all memory for instances is reserved."];
    case "backoff":
      return ["Further instances start after a delay, because the last ones failed."];
  }
}

function formatRecords(records: readonly ScalingRecord[]): string {
  const head = [
    "AT (UTC)",
    "WANTED",
    "REASON",
    "RUNNING",
    "CALLS",
    "WAITING",
    "UNRESPONSIVE",
    "BLOCKED BY",
  ];
  const rows = records.map((record) => [
    record.at.slice(11, 19),
    String(record.wanted),
    record.reason,
    String(record.running),
    String(record.callsInFlight),
    String(record.callsWaiting),
    String(record.unresponsive),
    record.blockedBy ?? "",
  ]);
  return formatTable([head, ...rows]);
}
