import type { Limits } from "./limits.ts";

/**
 * A call's deadline in milliseconds; 0 = none. A caller that asks for none (0) gets the default of the method's kind, and
 * one that asks for more than the limit gets the limit.
 */
export function callDeadline(
  { askedMs, isStreaming }: { readonly askedMs: number; readonly isStreaming: boolean },
  limits: Pick<Limits, "callTimeoutMs" | "callTimeoutMaxMs">,
): number {
  if (askedMs === 0) return isStreaming ? 0 : limits.callTimeoutMs;
  return Math.min(askedMs, limits.callTimeoutMaxMs);
}
