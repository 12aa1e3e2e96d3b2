import { LeverError, serviceKey } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { renewsLease, TAKE_OVER_AFTER_MS } from "../cluster/membership.ts";
import { type CallMark, decideCall, type HostChoice } from "../cluster/ownership.ts";
import type { SubmittedCall } from "../router/call.ts";
import { isRecordedCall } from "../router/call-recorder.ts";
import type { InstanceTarget } from "../router/instance-target.ts";
import { type Destination, type OtherHosts, resourceUnavailable } from "../router/other-hosts.ts";
import { chooseHost } from "./choose-host.ts";
import type { HostPlaces } from "./host-places.ts";
import type { Peer } from "./peer.ts";
import type { DeclinedCall, Peers } from "./peers.ts";
import type { OwningRoute, ResourceMember, ResourceOwners } from "./resource-owners.ts";

/** After so many hosts have declined a call, it waits where it came in; or, when that host drains, on another one. */
const DECLINES_MAX = 3;
/** A host that cannot be reached for longer, and still has its lease, is alive: this host alone is cut off from it. */
const UNREACHABLE_MS_MAX = TAKE_OVER_AFTER_MS + 1_000;

/** A route, as its calls are passed on. */
export interface PassingRoute extends OwningRoute {
  readonly hasInstances: boolean;
  /** Number of resources that an instance owns. */
  resourcesOf(owner: InstanceTarget): number;
  /** Calls that wait here get places on other hosts. */
  relieve(): void;
  /** Calls that wait for owners on other hosts are decided again. */
  retryParked(): void;
}

export interface ClusterHostsOptions {
  readonly peers: Peers;
  readonly member: ResourceMember;
  readonly owners: ResourceOwners;
  /** Gives the keeper instances that own resources, and takes them back. */
  readonly keeper: {
    add(route: PassingRoute, owner: InstanceTarget): Promise<void> | undefined;
    remove(owner: InstanceTarget): void;
  };
  routeOf(place: {
    readonly environment: string;
    readonly service: string;
  }): PassingRoute | undefined;
  /** From 0 to less than 1. */
  readonly random: () => number;
  readonly clock: Clock;
}

/** The other hosts as the router of this one uses them: who takes a call, and who owns a resource. */
export class ClusterHosts implements OtherHosts<PassingRoute> {
  readonly #options: ClusterHostsOptions;
  readonly #parked = new Set<PassingRoute>();
  /** Ids of hosts that own resources and cannot be reached, with the time of the first call for one. */
  readonly #unreachable = new Map<string, number>();

  constructor(options: ClusterHostsOptions) {
    this.#options = options;
    const { peers } = options;
    peers.declined.add((declined) => this.#onDeclined(declined));
    peers.freed.add((service) => options.routeOf(service)?.relieve());
    peers.up.add(({ row }) => {
      this.#unreachable.delete(row.id);
      this.retryParked();
    });
  }

  mayOwn(): boolean {
    return this.#options.member.right() === "own";
  }

  take(route: PassingRoute, call: SubmittedCall): Destination {
    if (call.resource !== "") return this.#takeOfResource(route, call);
    const { isDraining } = this.#options.owners;
    if (call.passMark === "may place" && !isDraining) return "here";
    if (call.passMark !== undefined) {
      call.decline({ reason: "busy" });
      return "gone";
    }
    const places = this.choose(route, call);
    if (places === undefined) {
      if (isDraining) throw drained();
      return "here";
    }
    places.give(call);
    return "gone";
  }

  choose(route: PassingRoute, call: SubmittedCall): HostPlaces | undefined {
    const { passMark, declines } = call;
    if (passMark !== undefined) return undefined;
    const key = serviceKey(route.environment, route.service);
    const places = declines > DECLINES_MAX ? undefined : this.#chooseFor(key)?.placesOf(key);
    if (places !== undefined || !this.#options.owners.isDraining) return places;
    // It does not wait here: this host starts no instance.
    return declines > 2 * DECLINES_MAX ? undefined : this.#chooseTaking()?.mayPlace;
  }

  claim(route: PassingRoute, resource: string): void {
    this.#options.owners.claim(route, resource);
  }

  prepareOwner(route: PassingRoute, owner: InstanceTarget): Promise<void> | undefined {
    return this.#options.keeper.add(route, owner);
  }

  release(
    route: PassingRoute,
    owned: { readonly resource: string; readonly epoch: number },
    owner: InstanceTarget | undefined,
  ): boolean {
    const { keeper, owners } = this.#options;
    if (owner !== undefined && route.resourcesOf(owner) === 0) keeper.remove(owner);
    return owners.release(route, owned);
  }

  /** The table of hosts has been read, or a host answers: calls that wait for owners are decided again. */
  retryParked(): void {
    const routes = [...this.#parked];
    this.#parked.clear();
    for (const route of routes) route.retryParked();
  }

  /** @throws LeverError `resource_unavailable` */
  #takeOfResource(route: PassingRoute, call: SubmittedCall): Destination {
    const { owners, peers } = this.#options;
    const { resource, declines: redirects, hasWaited } = call;
    const ownership = owners.ownershipOf(route, resource);
    const mark = markOf(call);
    const decision = decideCall(ownership, { mark, redirects, hasWaited }, this.#choice(route));
    switch (decision.kind) {
      case "serve":
      case "claim":
      case "wait":
        return "here";
      case "pass on": {
        const peer = peers.peer(decision.to);
        if (peer?.isUp === true) {
          (decision.mark === "at owner" ? peer.atOwner : peer.mayPlace).give(call);
          return "gone";
        }
        const now = this.#options.clock.now();
        const since = this.#unreachable.get(decision.to) ?? now;
        if (now - since > UNREACHABLE_MS_MAX) {
          throw resourceUnavailable(resource, "this host cannot reach the one that owns it");
        }
        // The owner may answer again, or its lease ends: then the resource goes elsewhere.
        this.#unreachable.set(decision.to, since);
        this.#parked.add(route);
        return "parked";
      }
      case "not owner":
        call.decline({
          reason: "not owner",
          owner:
            ownership.kind === "elsewhere"
              ? { host: ownership.host, incarnation: ownership.incarnation }
              : undefined,
        });
        return "gone";
      case "refuse":
        throw resourceUnavailable(resource, "no host of the cluster may own it now");
    }
  }

  /** The host for a resource without a known owner: this one if it has an instance, else one that has. */
  #choice(route: PassingRoute): HostChoice {
    const { member, owners } = this.#options;
    const self = member.id;
    const { isDraining } = owners;
    const about = { self, isDraining, right: member.right() };
    const mayClaim = about.right === "own" && !isDraining;
    if (mayClaim && route.hasInstances) return { ...about, chosen: self };
    const other = this.#chooseFor(serviceKey(route.environment, route.service), this.#mayOwn);
    if (other !== undefined) return { ...about, chosen: other.row.id };
    return { ...about, chosen: mayClaim ? self : this.#chooseTaking(this.#mayOwn)?.row.id };
  }

  /** A host that may start an instance, or claim a resource. */
  #chooseTaking(mayGet: (peer: Peer) => boolean = () => true): Peer | undefined {
    const { peers, random } = this.#options;
    const taking = peers.list.filter((peer) => peer.isUp && peer.isTaking && mayGet(peer));
    return taking[Math.floor(random() * taking.length)];
  }

  #chooseFor(key: string, mayGet: (peer: Peer) => boolean = () => true): Peer | undefined {
    const { peers, random } = this.#options;
    const list = peers.list.filter(mayGet);
    return chooseHost(list, (peer) => peer.placesOf(key), random);
  }

  /** A host that the database does not answer may own no resource, although it takes other calls. */
  readonly #mayOwn = ({ row }: Peer): boolean =>
    this.#options.member.hosts.some((host) => host.id === row.id && renewsLease(host));

  #onDeclined({ peer, call, declined }: DeclinedCall): void {
    if (!isRecordedCall(call)) return;
    const { environment, service } = call.route;
    if (call.resource === "") {
      // It has told of too many places. The end of this call frees none.
      const places = peer.placesOf(serviceKey(environment, service));
      if (places !== undefined) places.free = Math.min(0, places.free) - 1;
      return;
    }
    const route = this.#options.routeOf(call.route);
    const owner = declined.reason === "not owner" ? declined.owner : undefined;
    if (route !== undefined) this.#options.owners.learn(route, call.resource, owner);
  }
}

function drained(): LeverError {
  return new LeverError(
    "unavailable",
    "Cannot take the call: this host drains, and no other host takes it.",
    { retryAfterSeconds: 1 },
  );
}

function markOf({ passMark }: SubmittedCall): CallMark {
  return passMark === undefined || passMark === "place" ? "first" : passMark;
}
