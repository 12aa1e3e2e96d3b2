import type { Limits } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Environments } from "../environments/environments.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { KeyedQueue } from "../keyed-queue.ts";
import type { Log } from "../logs/log.ts";
import type { Router } from "../router/router.ts";
import type { State } from "../state/state.ts";
import type { Store, VersionRecord } from "../store/store.ts";
import type { CodeStore } from "./code-store.ts";
import type { KeptVersions } from "./kept-files.ts";
import type { ServiceRemovals } from "./service-removals.ts";
import type { TransformedService } from "./transform.ts";

export interface DeployerOptions {
  readonly store: Store;
  readonly state: State;
  readonly code: CodeStore;
  readonly keptVersions: KeptVersions;
  /** Makes JavaScript of a folder's TypeScript. */
  readonly transform: (service: Omit<TransformedService, "dataDir">) => Promise<void>;
  readonly environments: Pick<Environments, "require">;
  readonly removals: Pick<ServiceRemovals, "finish">;
  /** Changes of services, by `serviceKey`. */
  readonly turns: KeyedQueue;
  readonly fleet: Fleet;
  readonly router: Router;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * The other hosts that run the service start an instance of a version that goes live next. Resolves when they have, or cannot
   * in time. Default: there is no other host.
   */
  readonly prepareElsewhere?: ((version: VersionRecord) => Promise<void>) | undefined;
}
