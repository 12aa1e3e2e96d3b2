/** What is known of whether an instance's process answers. Times are in milliseconds of the fleet's clock. */
export interface HealthState {
  /** When the ping was sent that has no answer yet. */
  readonly askedAt: number | undefined;
  /** When it was last heard of. */
  readonly heardAt: number;
  readonly isSilent: boolean;
}

export type HealthAction = "ping" | "silent" | "kill";

/** An instance without calls is asked less often: nobody waits for it. */
const IDLE_PING_MS = 5_000;

export function healthyNow(now: number): HealthState {
  return { askedAt: undefined, heardAt: now, isSilent: false };
}

/**
 * What to do about an instance's health at a tick. A process that has not answered its link for `silentAfterMs` is
 * stopped, or its event loop is blocked: it gets no calls until it answers. After `silentKillMs` it is given up.
 */
export function checkHealth(
  state: HealthState,
  options: { now: number; isBusy: boolean; silentAfterMs: number; silentKillMs: number },
): { state: HealthState; action: HealthAction | undefined } {
  const { now, isBusy, silentAfterMs, silentKillMs } = options;
  if (state.askedAt === undefined) {
    if (!isBusy && now - state.heardAt < IDLE_PING_MS) return { state, action: undefined };
    return { state: { ...state, askedAt: now }, action: "ping" };
  }
  const waitedMs = now - state.askedAt;
  if (waitedMs >= silentKillMs) return { state, action: "kill" };
  if (waitedMs < silentAfterMs || state.isSilent) return { state, action: undefined };
  return { state: { ...state, isSilent: true }, action: "silent" };
}
