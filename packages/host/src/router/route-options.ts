import type { Clock } from "../clock.ts";
import type { ServiceMeters } from "../metrics/service-meters.ts";
import type { CallRecorder } from "./call-recorder.ts";
import type { InstanceTarget } from "./instance-target.ts";
import type { OtherHosts } from "./other-hosts.ts";
import type { RouteLimits } from "./route-limits.ts";
import type { WaitingInEnvironment } from "./waiting-calls.ts";

/** Shared by the routes of an environment. */
export interface RouteOptions<Route> {
  readonly waiting: WaitingInEnvironment;
  readonly limits: RouteLimits;
  readonly clock: Clock;
  /** undefined = nothing is counted. */
  readonly meters?: ServiceMeters | undefined;
  /** undefined = no call is remembered. */
  readonly recorder?: CallRecorder | undefined;
  /** undefined = this host is no part of a cluster. */
  readonly others?: OtherHosts<Route> | undefined;
  /**
   * Epoch for a new ownership of a resource: higher than all before. Not called with other hosts: a claim has an epoch.
   * @throws LeverError when there is none now.
   */
  readonly nextEpoch: () => number;
  /** A call waits because no instance can take it, or the instances carry more than they should. */
  readonly onDemand: (route: Route) => void;
  /** An instance does not close a resource in time: it must end. */
  readonly onStuck: (route: Route, target: InstanceTarget, resource: string) => void;
}
