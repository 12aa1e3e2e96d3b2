import { LeverError } from "@leveros/protocol";
import { ClusterLinks, type LinkedParts } from "../peers/cluster-links.ts";
import type { VersionRecord } from "../store/records.ts";
import type { OpenClusterOptions } from "./cluster-options.ts";
import type { HostParts } from "./host-parts.ts";
import { listenFailure, StartupError } from "./startup-error.ts";

/** Listens for the other hosts. `self`: the id of this one. @throws LeverError when the port is in use */
export async function openLinks(
  { options, folder, bind, limits, clock, log }: OpenClusterOptions,
  self: string,
): Promise<ClusterLinks> {
  const { peerBind = { bind, port: 0 }, peerAddress: address } = options;
  const place = { ...peerBind, address, self, dataDir: folder.dir };
  try {
    return await ClusterLinks.open({ ...place, limits, clock, log });
  } catch (error) {
    const failure = listenFailure(peerBind, error);
    if (!(failure instanceof StartupError)) throw failure;
    throw new LeverError(
      "unavailable",
      `${failure.message} It is for the other hosts: choose another one with --peer-bind.`,
      { cause: error },
    );
  }
}

/** The parts of this host that the links to other hosts use. */
export function linkedParts(
  { router, fleet, deployer }: HostParts,
  telling: LinkedParts["fleet"],
): LinkedParts {
  return {
    router,
    fleet: telling,
    // Hosts of a cluster believe each other.
    prepare: (version) => deployer.candidates.prepare(version as VersionRecord),
    instanceOf({ environment, service }, target) {
      const instance = fleet.service(environment, service)?.instanceOf(target);
      if (instance === undefined) return undefined;
      return {
        pid: instance.pid,
        setOwnersEnd: (atMs) => instance.setOwnersEnd(atMs),
        kill(reason) {
          instance.stop(reason);
          instance.kill();
        },
      };
    },
  };
}
