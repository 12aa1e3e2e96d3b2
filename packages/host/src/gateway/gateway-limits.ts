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
    traceSampledPerSecondMax: limits.traceSampledPerSecondMax,
    unreadTimeoutMs: limits.unreadTimeoutMs,
  };
}
