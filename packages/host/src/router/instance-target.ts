import type { CallTarget, StartTimes } from "@leveros/protocol";

/** An instance as the router sees it. */
export interface InstanceTarget {
  readonly instance: string;
  readonly version: number;
  /** Takes the instance's calls. */
  readonly callee: CallTarget;
  /** Calls and open streams. */
  callsInFlight: number;
  /** Open streams only. */
  streamsInFlight: number;
  /** It has answered a call, so a later failure is not a failed start. */
  hasServed?: boolean;
  /** Duration of its start. undefined for a service inside the host. */
  start?: StartTimes;
}
