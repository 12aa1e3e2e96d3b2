import type { Limits } from "@leveros/protocol";
import type { SupervisionLimits } from "../processes/supervised-process.ts";
import type { ScalingLimits } from "./decide-service.ts";

/** Time for an instance without a link to exit by itself. */
const EXIT_GRACE_MS = 500;

/** The limits that one instance is held to. */
export interface InstanceLimits
  extends SupervisionLimits,
    Pick<
      Limits,
      | "bodyBytesMax"
      | "callsPerInstanceMax"
      | "networkBytesPerSecondPerMb"
      | "spansPerCallMax"
      | "spanBytesPerCallMax"
    > {}

/** The limits that the instances of one service are held to. */
export interface ServiceLimits
  extends ScalingLimits,
    Pick<Limits, "instancesPerServiceMax" | "deployDrainTimeoutMs"> {}

export function instanceLimits(limits: Limits): InstanceLimits {
  return {
    startTimeoutMs: limits.startTimeoutMs,
    stopTimeoutMs: limits.drainTimeoutMs,
    exitGraceMs: EXIT_GRACE_MS,
    unresponsiveAfterMs: limits.unresponsiveAfterMs,
    unresponsiveKillAfterMs: limits.unresponsiveKillAfterMs,
    loggedBytesPerSecondMax: limits.loggedBytesPerSecondMax,
    logRecordBytesMax: limits.logRecordBytesMax,
    bodyBytesMax: limits.bodyBytesMax,
    callsPerInstanceMax: limits.callsPerInstanceMax,
    networkBytesPerSecondPerMb: limits.networkBytesPerSecondPerMb,
    spansPerCallMax: limits.spansPerCallMax,
    spanBytesPerCallMax: limits.spanBytesPerCallMax,
  };
}

export function serviceLimits(limits: Limits): ServiceLimits {
  return {
    scaleDownAfterMs: limits.scaleDownAfterMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    instancesPerServiceMax: limits.instancesPerServiceMax,
    deployDrainTimeoutMs: limits.deployDrainTimeoutMs,
  };
}
