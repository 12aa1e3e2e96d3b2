import type { StartTimes } from "@leveros/protocol";
import type { decideInstances } from "../autoscaler/decide-instances.ts";
import type { ServiceShare } from "../autoscaler/decide-share.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { VersionRecord } from "../store/store.ts";
import type { ServiceLimits } from "./fleet-limits.ts";
import type { Instance, InstanceListener } from "./instance.ts";
import type { InstanceSpec } from "./instance-spec.ts";

/** Shared by the services of one host. `Service` is what the fleet has for each of them. */
export interface FleetContext<Service> {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: ServiceLimits;
  readonly decide: typeof decideInstances;
  /** The part of the service that this host has; undefined = all of it. */
  shareOf(service: Service): ServiceShare | undefined;
  isClosing(): boolean;
  /** The host gives its calls and resources to other hosts. */
  isDraining(): boolean;
  /** Reserves memory for an instance and gets its code ready. */
  prepare(record: VersionRecord): Promise<InstanceSpec>;
  /** Starts a prepared instance. */
  launch(spec: InstanceSpec, listener: InstanceListener): Instance;
  /**
   * False = there is no memory for another instance now. If the instance is needed, the service is reconciled again as
   * soon as there is some.
   */
  hasMemoryFor(service: Service, options: { isNeeded: boolean }): boolean;
  /** An instance that was started because of calls is ready. */
  onStarted(start: StartTimes): void;
  /** The service is reconciled regularly from now on. */
  markActive(service: Service): void;
  /** The service is at zero: it is reconciled only when a call comes. */
  markIdle(service: Service): void;
}
