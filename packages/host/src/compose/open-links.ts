import { ClusterLinks, type LinkedParts } from "../peers/cluster-links.ts";
import type { OpenClusterOptions } from "./cluster-options.ts";
import type { HostParts } from "./host-parts.ts";
import { listenFailure } from "./startup-error.ts";

/** Listens for the other hosts. `self`: the id of this one. @throws StartupError when the port is in use */
export async function openLinks(
  { options, folder, bind, limits, clock, log }: OpenClusterOptions,
  self: string,
): Promise<ClusterLinks> {
  const { peerBind = { bind, port: 0 }, peerAddress: address } = options;
  const place = { ...peerBind, address, self, dataDir: folder.dir };
  try {
    return await ClusterLinks.open({ ...place, limits, clock, log });
  } catch (error) {
    throw listenFailure(peerBind, error);
  }
}

/** The parts of this host that the links to other hosts use. */
export function linkedParts(
  { router, fleet }: HostParts,
  telling: LinkedParts["fleet"],
): LinkedParts {
  return {
    router,
    fleet: telling,
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
