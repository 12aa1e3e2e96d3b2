import type { InstanceState } from "@leveros/protocol";
import type { ProcessPhase } from "../processes/process-state.ts";

/** The one state of an instance that users see. Nothing else derives it. */
export function instanceStatus(of: {
  readonly phase: ProcessPhase;
  readonly isUnresponsive: boolean;
}): InstanceState {
  return of.phase === "ready" && of.isUnresponsive ? "unresponsive" : of.phase;
}
