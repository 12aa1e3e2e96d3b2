/** The life of a process that the host started. Times are in milliseconds of the host's clock. */
export type ProcessState =
  /** It runs and gets ready for work. */
  | { readonly phase: "starting"; readonly failAt: number }
  /** It gets work. */
  | { readonly phase: "ready" }
  /** It gets no new work and finishes what it has; at `stopAt` it is stopped even if it has some left. */
  | { readonly phase: "draining"; readonly stopAt: number }
  /** It exits, and is killed when that takes too long. */
  | { readonly phase: "stopping"; readonly killAt: number; readonly wasStopped: boolean }
  /** `wasStopped`: the host stopped it, or it received SIGTERM. False = it failed. */
  | { readonly phase: "exited"; readonly wasStopped: boolean };

export type ProcessPhase = ProcessState["phase"];

export type ProcessEvent =
  | { readonly type: "loaded" }
  | { readonly type: "drain"; readonly stopAt: number }
  /** A draining process is needed again. */
  | { readonly type: "resume" }
  /** The host stops it, or it received SIGTERM. */
  | { readonly type: "stop" }
  /** Its link is closed. It can do nothing more, and is about to exit. */
  | { readonly type: "lost" }
  | { readonly type: "exited" }
  /** Time has passed. */
  | { readonly type: "tick" };

export type ProcessAction =
  /** It may get work. */
  | "ready"
  /** It gets no new work. */
  | "unready"
  /** Send it the request to exit. */
  | "stop"
  | "startTimedOut"
  | "kill";

export interface ProcessTimes {
  /** Between the request to stop and KILL. */
  readonly stopTimeoutMs: number;
  /** Time for a process without a link to exit by itself, so that its exit status is its own. */
  readonly exitGraceMs: number;
}

export interface ProcessStep {
  readonly state: ProcessState;
  /** In the order in which they must be carried out. */
  readonly actions: readonly ProcessAction[];
}

/**
 * One step of a process's life. Each stop has the same order: no new work, the request to stop, and KILL if it still
 * runs `stopTimeoutMs` later.
 */
export function stepProcess(
  state: ProcessState,
  event: ProcessEvent,
  options: { now: number } & ProcessTimes,
): ProcessStep {
  const { now } = options;
  const { phase } = state;
  switch (event.type) {
    case "loaded":
      return phase === "starting" ? step({ phase: "ready" }, "ready") : step(state);
    case "drain":
      if (phase === "starting") return stop(state, options);
      return isServing(state) ? step({ phase: "draining", stopAt: event.stopAt }) : step(state);
    case "resume":
      return phase === "draining" ? step({ phase: "ready" }) : step(state);
    case "stop":
      return stop(state, options);
    case "lost": {
      const killAt = now + options.exitGraceMs;
      if (phase === "exited") return step(state);
      if (phase === "stopping") return step({ ...state, killAt: Math.min(state.killAt, killAt) });
      const stopping = { phase: "stopping", killAt, wasStopped: false } as const;
      return isServing(state) ? step(stopping, "unready") : step(stopping);
    }
    case "exited":
      if (phase === "exited") return step(state);
      if (isServing(state)) return step({ phase: "exited", wasStopped: false }, "unready");
      return step({ phase: "exited", wasStopped: phase === "stopping" && state.wasStopped });
    case "tick":
      if (phase === "starting" && now >= state.failAt) {
        const stopping = { phase: "stopping", killAt: now, wasStopped: false } as const;
        return step(stopping, "startTimedOut", "kill");
      }
      if (phase === "draining" && now >= state.stopAt) return stop(state, options);
      if (phase === "stopping" && now >= state.killAt) {
        return step({ ...state, killAt: Number.POSITIVE_INFINITY }, "kill");
      }
      return step(state);
  }
}

function stop(
  state: ProcessState,
  { now, stopTimeoutMs }: { now: number } & ProcessTimes,
): ProcessStep {
  switch (state.phase) {
    case "starting":
      return step({ phase: "stopping", killAt: now, wasStopped: true }, "kill");
    case "ready":
    case "draining":
      return step(
        { phase: "stopping", killAt: now + stopTimeoutMs, wasStopped: true },
        "unready",
        "stop",
      );
    case "stopping":
      return step({ ...state, wasStopped: true });
    case "exited":
      return step(state);
  }
}

/** It has work, or may get some. */
export function isServing({ phase }: ProcessState): boolean {
  return phase === "ready" || phase === "draining";
}

function step(state: ProcessState, ...actions: ProcessAction[]): ProcessStep {
  return { state, actions };
}

/** When the state changes by time alone; undefined = it does not. */
export function dueAt(state: ProcessState): number | undefined {
  switch (state.phase) {
    case "starting":
      return state.failAt;
    case "draining":
      return finite(state.stopAt);
    case "stopping":
      return finite(state.killAt);
    case "ready":
    case "exited":
      return undefined;
  }
}

function finite(at: number): number | undefined {
  return Number.isFinite(at) ? at : undefined;
}
