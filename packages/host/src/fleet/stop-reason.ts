import type { ScalingLimits } from "./decide-service.ts";

/** Why an instance is stopped that a service with this number of wanted instances does not need. */
export function surplusReason(wanted: number, limits: ScalingLimits): string {
  const { idleTimeoutMs, scaleDownAfterMs } = limits;
  if (wanted === 0) return `the service had no calls for ${seconds(idleTimeoutMs)}`;
  const enough = wanted === 1 ? "1 instance has" : `${wanted} instances have`;
  return `${enough} been enough for ${seconds(scaleDownAfterMs)}`;
}

/** Why the instances of a host that an operator drains are stopped. */
export const HOST_DRAINS = "its host is drained";

/** Why an instance of a version is stopped when `live` becomes the live one. */
export function replacedReason(version: number, live: number): string {
  return version === live
    ? "the instances of the service were replaced"
    : `version ${live} is live now`;
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}
