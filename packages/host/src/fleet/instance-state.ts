/** The life of an instance. Times are in milliseconds of the fleet's clock. */
export type InstanceState =
  /** Its process runs, and loads the service. */
  | { readonly phase: "starting"; readonly failAt: number }
  /** It takes calls. */
  | { readonly phase: "ready" }
  /** It takes no new calls, finishes what it has, and is killed when it takes too long. */
  | { readonly phase: "stopping"; readonly killAt: number }
  | { readonly phase: "exited" };

export type InstanceEvent =
  | { readonly type: "loaded" }
  /** The host wants it to stop, or it was told to by someone else. */
  | { readonly type: "stop" }
  /** Its link is gone: it is of no use any more, and about to exit. */
  | { readonly type: "lost" }
  | { readonly type: "exited" }
  /** Time has passed. */
  | { readonly type: "tick" };

export type InstanceAction = "route" | "unroute" | "stop" | "kill" | "startTimedOut" | "exited";

export interface InstanceTimes {
  readonly drainTimeoutMs: number;
}

export interface InstanceStep {
  readonly state: InstanceState;
  /** To be carried out in this order. */
  readonly actions: readonly InstanceAction[];
}

/** An instance without a link gets this long to exit by itself, so that its exit status is its own. */
const EXIT_GRACE_MS = 500;

/**
 * One step of an instance's life. Stopping is always: out of the router, TERM with the promise that no call follows,
 * and KILL when `drainTimeoutMs` later it still runs.
 */
export function stepInstance(
  state: InstanceState,
  event: InstanceEvent,
  options: { now: number } & InstanceTimes,
): InstanceStep {
  const { now, drainTimeoutMs } = options;
  if (event.type === "exited") {
    switch (state.phase) {
      case "exited":
        return { state, actions: [] };
      case "ready":
        return { state: { phase: "exited" }, actions: ["unroute", "exited"] };
      case "starting":
      case "stopping":
        return { state: { phase: "exited" }, actions: ["exited"] };
    }
  }
  switch (state.phase) {
    case "starting":
      if (event.type === "loaded") return { state: { phase: "ready" }, actions: ["route"] };
      if (event.type === "stop") {
        return { state: { phase: "stopping", killAt: now }, actions: ["kill"] };
      }
      if (event.type === "lost") {
        return { state: { phase: "stopping", killAt: now + EXIT_GRACE_MS }, actions: [] };
      }
      if (now >= state.failAt) {
        return { state: { phase: "stopping", killAt: now }, actions: ["startTimedOut", "kill"] };
      }
      return { state, actions: [] };
    case "ready":
      if (event.type === "lost") {
        return { state: { phase: "stopping", killAt: now + EXIT_GRACE_MS }, actions: ["unroute"] };
      }
      if (event.type !== "stop") return { state, actions: [] };
      return {
        state: { phase: "stopping", killAt: now + drainTimeoutMs },
        actions: ["unroute", "stop"],
      };
    case "stopping":
      if (event.type === "lost") {
        const killAt = Math.min(state.killAt, now + EXIT_GRACE_MS);
        return { state: { phase: "stopping", killAt }, actions: [] };
      }
      if (event.type !== "tick" || now < state.killAt) return { state, actions: [] };
      return { state: { phase: "stopping", killAt: Number.POSITIVE_INFINITY }, actions: ["kill"] };
    case "exited":
      return { state, actions: [] };
  }
}
