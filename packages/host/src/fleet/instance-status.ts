import type { InstanceState } from "@leveros/protocol";

/** The one state that users see of an instance, from what the fleet's parts know of it. */
export function instanceStatus(of: {
  readonly phase: "starting" | "ready" | "stopping" | "exited";
  /** The fleet gives it no new calls, and stops it when it is idle. */
  readonly isDraining: boolean;
  readonly isUnresponsive: boolean;
}): InstanceState {
  if (of.phase !== "ready") return of.phase;
  if (of.isDraining) return "draining";
  return of.isUnresponsive ? "unresponsive" : "ready";
}
