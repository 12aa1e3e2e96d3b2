import type { Limits } from "@leveros/protocol";

/** The limits that a gateway holds calls from outside to. */
export type GatewayLimits = Pick<
  Limits,
  | "bodyBytesMax"
  | "bufferedBodyBytesMax"
  | "bufferedReplyBytesMax"
  | "callTimeoutMs"
  | "callTimeoutMaxMs"
  | "connectionsMax"
  | "headerBytesMax"
  | "headersTimeoutMs"
  | "idleConnectionTimeoutMs"
  | "pingIntervalMs"
  | "requestTimeoutMs"
  | "traceSampledEach"
  | "traceSampledPerSecondMax"
  | "unreadTimeoutMs"
>;

export function gatewayLimits(limits: Limits): GatewayLimits {
  return {
    bodyBytesMax: limits.bodyBytesMax,
    bufferedBodyBytesMax: limits.bufferedBodyBytesMax,
    bufferedReplyBytesMax: limits.bufferedReplyBytesMax,
    callTimeoutMs: limits.callTimeoutMs,
    callTimeoutMaxMs: limits.callTimeoutMaxMs,
    connectionsMax: limits.connectionsMax,
    headerBytesMax: limits.headerBytesMax,
    headersTimeoutMs: limits.headersTimeoutMs,
    idleConnectionTimeoutMs: limits.idleConnectionTimeoutMs,
    pingIntervalMs: limits.pingIntervalMs,
    requestTimeoutMs: limits.requestTimeoutMs,
    // A host that remembers no calls keeps no trace.
    traceSampledEach: limits.callsRememberedMax > 0 ? limits.traceSampledEach : 0,
    traceSampledPerSecondMax: limits.traceSampledPerSecondMax,
    unreadTimeoutMs: limits.unreadTimeoutMs,
  };
}
