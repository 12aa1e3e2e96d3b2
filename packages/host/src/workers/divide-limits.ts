import type { Limits } from "@leveros/protocol";

/**
 * What each of several gateways may hold, of what a host as a whole may. That is even, since connections are: the system
 * spreads them by chance.
 */
export function divideLimits(limits: Limits, workers: number): Limits {
  const share = (whole: number): number => Math.ceil(whole / workers);
  return {
    ...limits,
    connectionsMax: share(limits.connectionsMax),
    // A share has room for any one body, or some would never be taken.
    bufferedBodyBytesMax: Math.max(share(limits.bufferedBodyBytesMax), limits.bodyBytesMax),
  };
}
