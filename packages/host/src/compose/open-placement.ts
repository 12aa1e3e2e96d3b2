import { isFilesOnly, type Limits, serviceKey } from "@leveros/protocol";
import { decideInstances } from "../autoscaler/decide-instances.ts";
import type { Clock } from "../clock.ts";
import type { Member } from "../cluster/member.ts";
import { instanceMemoryMb } from "../launcher/launcher.ts";
import type { ClusterLinks, LinkedParts } from "../peers/cluster-links.ts";
import {
  type HostLoad,
  type HostRoom,
  type PlacedHost,
  type PlacedRules,
  Placement,
} from "../placement/placement.ts";
import type { HostParts } from "./host-parts.ts";

/** The placement of this host's services over the cluster. `self`: what this host tells the others. */
export function openPlacement(
  { router, fleet }: Pick<HostParts, "router" | "fleet">,
  options: {
    readonly member: Pick<Member, "id" | "name" | "isDraining">;
    readonly links: ClusterLinks;
    readonly limits: Pick<Limits, "scaleDownAfterMs" | "idleTimeoutMs">;
    readonly clock: Clock;
  },
): { readonly placement: Placement; readonly self: LinkedParts["fleet"] } {
  const { member, links, limits, clock } = options;
  const { peers } = links;
  const loadOf = (key: string): HostLoad | undefined => {
    const service = fleet.services.get(key);
    if (service === undefined) return undefined;
    const { route, running } = service;
    const { callsInFlight, callsWaiting, lastUsedAt } = route;
    let callsPassedOn = 0;
    for (const peer of peers.list) callsPassedOn += peer.placesOf(key)?.callsInFlight ?? 0;
    const told = placement.toldOf(key);
    const isIdle = running + callsInFlight + callsWaiting + callsPassedOn + (told ?? 0) === 0;
    if (isIdle) return undefined;
    return { callsInFlight, callsWaiting, running, callsPassedOn, lastUsedAt, told };
  };
  const self: PlacedHost & { readonly room: HostRoom } = {
    id: member.id,
    name: member.name,
    isUp: true,
    get isTaking() {
      return !member.isDraining;
    },
    get room() {
      const { max, reserved } = fleet.ram;
      return { ramMax: max, ramReserved: reserved, restrictsNetworks: fleet.restrictsNetworks };
    },
    get loaded() {
      return [...fleet.services.keys()].filter((key) => loadOf(key) !== undefined);
    },
    loadOf,
    tell: (key, wanted) => placement.onWanted(key, wanted),
  };
  const rulesOf = (key: string): PlacedRules | undefined => {
    const service = fleet.services.get(key);
    if (service === undefined || isFilesOnly(service.live.leverJson)) return undefined;
    const { leverJson, environment } = service.live;
    const needsNetwork = fleet.isRestricted(environment);
    return { ...service.rules, ram: instanceMemoryMb(leverJson), needsNetwork };
  };
  const placement: Placement = new Placement({
    self: member.id,
    hosts: () => [self, ...peers.list],
    pinned: () =>
      [...fleet.services].flatMap(([key, { live }]) =>
        live.leverJson.minInstances > 0 ? [key] : [],
      ),
    rulesOf,
    decide: decideInstances,
    limits,
    onTold(key) {
      const service = fleet.services.get(key);
      if (service !== undefined) fleet.reconsider(service);
    },
    clock,
  });
  fleet.share((key) => placement.shareOf(key));
  peers.wanted.add(({ service, wanted }) => placement.onWanted(service, wanted));
  router.serviceChanged.add(({ environment, service, live }) => {
    if (live === undefined) placement.forget(serviceKey(environment, service));
  });
  return { placement, self };
}
