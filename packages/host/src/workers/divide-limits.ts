import type { GatewayLimits } from "../gateway/gateway-limits.ts";

/**
 * The limits of each of several gateways of one host. Even shares fit, because the system distributes connections evenly,
 * at random.
 */
export function divideLimits(limits: GatewayLimits, workers: number): GatewayLimits {
  const share = (total: number): number => Math.ceil(total / workers);
  return {
    ...limits,
    connectionsMax: share(limits.connectionsMax),
    traceSampledPerSecondMax: share(limits.traceSampledPerSecondMax),
    // Each share holds at least one body of the largest size, or no worker could receive such a body.
    bufferedBodyBytesMax: Math.max(share(limits.bufferedBodyBytesMax), limits.bodyBytesMax),
    bufferedReplyBytesMax: Math.max(share(limits.bufferedReplyBytesMax), limits.bodyBytesMax),
  };
}
