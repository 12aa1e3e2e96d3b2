import type { ScalingRecord, ScalingReport } from "@leveros/protocol";
import { formatCount, formatDuration } from "../../quantity.ts";
import { formatTable } from "../../table.ts";

/** Why a service has so many instances, for people: what is so now, the rule behind it, and what was before. */
export function explainScaling(report: ScalingReport): string {
  const { service, version, now, records, lastError } = report;
  const instances = formatCount(now.running, "instance", "instances");
  const others = [
    ...(now.unresponsive > 0 ? [`${now.unresponsive} that do not answer`] : []),
    ...(now.draining > 0 ? [`${now.draining} that finish what they have`] : []),
  ];
  const beside = others.length === 0 ? "" : `, beside ${others.join(" and ")}`;
  const sentences = [
    `${service} version ${version} has ${instances}${beside}, and should have ${now.wanted}: ${reasonOf(now, report)}.`,
    ...blockedBy(now),
    ...(lastError === null ? [] : [`Its last instance that failed: ${lastError}`]),
  ];
  if (records.length === 0) return sentences.join("\n");
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
  const head = [
    "AT",
    "WANTED",
    "REASON",
    "RUNNING",
    "CALLS",
    "WAITING",
    "UNRESPONSIVE",
    "BLOCKED BY",
  ];
  return `${sentences.join("\n")}\n\n${formatTable([head, ...rows])}`;
}

function reasonOf(now: ScalingRecord, report: ScalingReport): string {
  const { maxInstanceLoad, minInstances, maxInstances, scaleDownAfterMs, idleTimeoutMs } = report;
  const { callsInFlight, callsWaiting, needed: need } = now;
  const load = `${formatCount(callsInFlight, "call", "calls")} in flight and ${callsWaiting} waiting, at ${maxInstanceLoad} for each instance (maxInstanceLoad), need ${need}`;
  switch (now.reason) {
    case "load":
      return load;
    case "recentLoad":
      return `${load}, but more were needed within the last ${formatDuration(scaleDownAfterMs)} (scaleDownAfterMs)`;
    case "idleTimeout":
      return `one stays until nobody has called for ${formatDuration(idleTimeoutMs)} (idleTimeoutMs)`;
    case "idle":
      return "nobody calls, and the next call starts one";
    case "minInstances":
      return `${load}, and lever.json asks for at least ${minInstances} (minInstances)`;
    case "maxInstances":
      return `${load}, and it may have at most ${maxInstances} (maxInstances in lever.json, or the limit instancesPerServiceMax)`;
  }
}

function blockedBy({ blockedBy: held }: ScalingRecord): string[] {
  if (held === "memory") {
    return [
      "More cannot start now: instances have been allotted all the memory there is for them.",
    ];
  }
  return held === "backoff" ? ["More start after a delay, since the last ones failed."] : [];
}
