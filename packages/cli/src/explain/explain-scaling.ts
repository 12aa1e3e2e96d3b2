import type { ScalingRecord, ScalingReport } from "@leveros/protocol";
import { formatCount, formatDuration } from "../quantity.ts";
import { formatTable } from "../table.ts";

/** Why a service has so many instances, for people: what is so now, the rule behind it, and what was before. */
export function explainScaling(report: ScalingReport): string {
  const { service, version, now, records, lastError } = report;
  const instances = formatCount(now.have, "instance", "instances");
  const others = [
    ...(now.silent > 0 ? [`${now.silent} that do not answer`] : []),
    ...(now.retiring > 0 ? [`${now.retiring} that finish what they have`] : []),
  ];
  const beside = others.length === 0 ? "" : `, beside ${others.join(" and ")}`;
  const sentences = [
    `${service} version ${version} has ${instances}${beside}, and should have ${now.wanted}: ${reasonOf(now, report)}.`,
    ...heldOf(now),
    ...(lastError === null ? [] : [`Its last instance that failed: ${lastError}`]),
  ];
  if (records.length === 0) return sentences.join("\n");
  const rows = records.map((record) => [
    record.at.slice(11, 19),
    String(record.wanted),
    record.reason,
    String(record.have),
    String(record.callsInFlight),
    String(record.callsWaiting),
    String(record.silent),
    record.held ?? "",
  ]);
  const head = ["AT", "WANTED", "REASON", "HAD", "CALLS", "WAITING", "SILENT", "HELD BY"];
  return `${sentences.join("\n")}\n\n${formatTable([head, ...rows])}`;
}

function reasonOf(now: ScalingRecord, report: ScalingReport): string {
  const { maxInstanceLoad, minInstances, maxInstances, scaleDownAfterMs, idleTimeoutMs } = report;
  const { callsInFlight, callsWaiting, need } = now;
  const load = `${formatCount(callsInFlight, "call", "calls")} in flight and ${callsWaiting} waiting, at ${maxInstanceLoad} for each instance (maxInstanceLoad), need ${need}`;
  switch (now.reason) {
    case "load":
      return load;
    case "recent load":
      return `${load}, but more were needed within the last ${formatDuration(scaleDownAfterMs)} (scaleDownAfterMs)`;
    case "in use":
      return `one stays until nobody has called for ${formatDuration(idleTimeoutMs)} (idleTimeoutMs)`;
    case "idle":
      return "nobody calls, and the next call starts one";
    case "minInstances":
      return `${load}, and lever.json asks for at least ${minInstances} (minInstances)`;
    case "maxInstances":
      return `${load}, and it may have at most ${maxInstances} (maxInstances in lever.json, or the limit instancesPerServiceMax)`;
  }
}

function heldOf({ held }: ScalingRecord): string[] {
  if (held === "memory") {
    return [
      "More cannot start now: instances have been allotted all the memory there is for them.",
    ];
  }
  return held === "back-off" ? ["More start after a delay, since the last ones failed."] : [];
}
