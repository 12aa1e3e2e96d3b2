/** Leftovers on this machine of hosts that were killed. Nothing of a host that runs is ever among it. */
import { type Clock, systemClock } from "../clock.ts";
import { findUnowned, killUnowned } from "../processes/process-marks.ts";
import { findGoneHosts, removeLeftHosts } from "./oci/oci-launcher.ts";

export interface Leftovers {
  /** Hosts with mounts, control groups and network rules, by the ids in the names of these. */
  readonly hosts: readonly string[];
  /** Processes of instances. */
  readonly pids: readonly number[];
}

export interface RemovedLeftovers extends Leftovers {
  /** The reasons why some stay, each as a sentence. */
  readonly problems: readonly string[];
}

/** Changes nothing. */
export function findLeftovers(): Leftovers {
  return { hosts: findGoneHosts(), pids: findUnowned() };
}

/** Removes them; those that this user may not remove stay. */
export async function removeLeftovers(clock: Clock = systemClock): Promise<RemovedLeftovers> {
  const pids = await killUnowned(clock);
  try {
    const { removed, problems } = await removeLeftHosts(clock);
    return { hosts: removed, pids, problems };
  } catch (error) {
    return { hosts: [], pids, problems: [error instanceof Error ? error.message : String(error)] };
  }
}
