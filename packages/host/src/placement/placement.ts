import type { PlacementDecision, PlacementReport } from "@leveros/protocol";
import type { decideInstances, RecentNeeds } from "../autoscaler/decide-instances.ts";
import type { ServiceShare } from "../autoscaler/decide-share.ts";
import { type Clock, isoTime } from "../clock.ts";
import { decidePlacement, type PlacementHost } from "./decide-placement.ts";
import { homeOf } from "./home-host.ts";

/** Time between two looks at the services. Hosts tell their load as often. */
const PLACE_EVERY_MS = 250;
/**
 * A new service is placed after this time. The memory that its first instance has reserved is told before the instance is, within
 * two looks of its host.
 */
const NEW_SERVICE_MS = 2 * PLACE_EVERY_MS;
/** A host that does not answer for this long is lost: its instances are placed elsewhere. */
const LOST_AFTER_MS = 5_000;

/** A service on one host, as that host tells it. */
export interface HostLoad {
  readonly callsInFlight: number;
  readonly callsWaiting: number;
  /** Instances that are ready, or start. */
  readonly running: number;
  /** Calls that came in there and run on other hosts. */
  readonly callsPassedOn: number;
  /** When its last call ended or was assigned, by the clock of this host. */
  readonly lastUsedAt: number;
  /** Instances that it was told to have; undefined = none yet. */
  readonly told?: number | undefined;
}

/** The memory of a host for instances. */
export interface HostRoom {
  /** Megabytes. */
  readonly ramMax: number;
  readonly ramReserved: number;
  /** Its instances can be restricted in what they reach over the network. */
  readonly restrictsNetworks: boolean;
}

/** A host of the cluster: this one, or another one with what it has told. */
export interface PlacedHost {
  readonly id: string;
  readonly name: string;
  /** It answers. */
  readonly isUp: boolean;
  /** It is not draining. */
  readonly isTaking: boolean;
  /** undefined = it has told nothing yet. */
  readonly room: HostRoom | undefined;
  /** Services with calls or instances there. */
  readonly loaded: Iterable<string>;
  loadOf(service: string): HostLoad | undefined;
  /** Tells it how many instances it should have. */
  tell(service: string, wanted: number): void;
}

/** A service that instances may be placed of. */
export interface PlacedRules {
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly maxInstanceLoad: number;
  /** Megabytes for one instance. */
  readonly ram: number;
  /** Its environment restricts what instances reach. */
  readonly needsNetwork: boolean;
}

export interface PlacementOptions {
  /** The id of this host. */
  readonly self: string;
  /** All hosts of the cluster, this one among them. */
  readonly hosts: () => readonly PlacedHost[];
  /** Services that have instances also without calls. */
  readonly pinned: () => Iterable<string>;
  /** undefined = there is no such service. */
  readonly rulesOf: (service: string) => PlacedRules | undefined;
  readonly decide: typeof decideInstances;
  readonly limits: { readonly scaleDownAfterMs: number; readonly idleTimeoutMs: number };
  /** Another number of instances is wanted on this host. */
  readonly onTold: (service: string) => void;
  readonly clock: Clock;
}

/** A service of which this host is the home. */
interface HomeService {
  readonly recent: RecentNeeds;
  /** By the host's id. */
  readonly counts: ReadonlyMap<string, number>;
  readonly report: PlacementDecision;
}

/**
 * Places instances over the hosts of a cluster. Each service has a home host, which adds up the loads that all hosts tell,
 * decides as one machine would, and tells each host how many instances it should have. Nothing is stored and no lease is needed:
 * two hosts that both act as the home, or none, cost instances or time, and no promise.
 */
export class Placement {
  readonly #options: PlacementOptions;
  /** When each other host answered last. */
  readonly #answeredAt = new Map<string, number>();
  readonly #homes = new Map<string, string | undefined>();
  #homeHosts = "";
  /** When each service was seen first. */
  readonly #seenAt = new Map<string, number>();
  readonly #decided = new Map<string, HomeService>();
  readonly #told = new Map<string, number>();
  #timer: unknown;

  constructor(options: PlacementOptions) {
    this.#options = options;
  }

  /** Decides every `PLACE_EVERY_MS` from now on. */
  start(): void {
    this.look();
    this.#timer = this.#options.clock.setTimeout(() => this.start(), PLACE_EVERY_MS);
  }

  close(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** The part of a service that this host has. */
  shareOf(service: string): ServiceShare {
    const { self, hosts } = this.#options;
    let others = 0;
    for (const host of hosts()) {
      if (host.id !== self && host.isUp) others += host.loadOf(service)?.running ?? 0;
    }
    return { told: this.#told.get(service), others };
  }

  /** A home host wants so many instances here. A host may take itself for the home for a moment: the last word counts. */
  onWanted(service: string, wanted: number): void {
    const rules = this.#options.rulesOf(service);
    if (rules === undefined) return;
    // Hosts believe each other only so far.
    const told = Math.min(wanted, Math.max(rules.maxInstances, rules.minInstances));
    if (this.#told.get(service) === told) return;
    this.#told.set(service, told);
    this.#options.onTold(service);
  }

  /** Instances that this host was told to have; undefined = none yet. */
  toldOf(service: string): number | undefined {
    return this.#told.get(service);
  }

  /** The service is removed. */
  forget(service: string): void {
    this.#told.delete(service);
    this.#decided.delete(service);
  }

  explain(service: string): PlacementReport {
    const home = this.#homes.get(service) ?? homeOf(service, this.#homeIds(this.#options.hosts()));
    const decided = this.#decided.get(service)?.report;
    return {
      home: this.#options.hosts().find(({ id }) => id === home)?.name ?? null,
      told: this.#told.get(service) ?? null,
      ...(decided !== undefined && { decided }),
    };
  }

  /** Decides about the services of which this host is the home. */
  look(): void {
    const { self, pinned } = this.#options;
    const hosts = this.#options.hosts();
    this.#seeHosts(hosts);
    const ids = this.#homeIds(hosts);
    const homeHosts = ids.join(" ");
    if (homeHosts !== this.#homeHosts) this.#homes.clear();
    this.#homeHosts = homeHosts;
    const services = new Set(pinned());
    for (const { isUp, loaded } of hosts)
      if (isUp) for (const service of loaded) services.add(service);
    for (const service of this.#decided.keys()) services.add(service);
    const now = this.#options.clock.now();
    for (const service of services) {
      const seenAt = this.#seenAt.get(service) ?? now;
      this.#seenAt.set(service, seenAt);
      const home = this.#homes.get(service) ?? homeOf(service, ids);
      this.#homes.set(service, home);
      if (home !== self) this.#decided.delete(service);
      else if (now - seenAt >= NEW_SERVICE_MS) this.#decide(service, hosts);
    }
    for (const service of this.#seenAt.keys()) {
      if (services.has(service)) continue;
      this.#seenAt.delete(service);
      this.#homes.delete(service);
    }
  }

  #seeHosts(hosts: readonly PlacedHost[]): void {
    const now = this.#options.clock.now();
    for (const { id, isUp } of hosts) {
      // One that is new is waited for.
      if (isUp || !this.#answeredAt.has(id)) this.#answeredAt.set(id, now);
    }
    const known = new Set(hosts.map(({ id }) => id));
    for (const id of this.#answeredAt.keys()) if (!known.has(id)) this.#answeredAt.delete(id);
  }

  #isLost({ id, isUp }: PlacedHost): boolean {
    const answeredAt = this.#answeredAt.get(id) ?? Number.NEGATIVE_INFINITY;
    return !isUp && this.#options.clock.now() - answeredAt >= LOST_AFTER_MS;
  }

  /** Nothing more is to be waited for. */
  #hasTold(host: PlacedHost): boolean {
    return host.isUp ? host.room !== undefined : this.#isLost(host);
  }

  #homeIds(hosts: readonly PlacedHost[]): readonly string[] {
    return hosts
      .filter((host) => !this.#isLost(host) && (host.isTaking || !host.isUp))
      .map(({ id }) => id)
      .sort();
  }

  #decide(service: string, hosts: readonly PlacedHost[]): void {
    const { clock, limits, rulesOf, decide } = this.#options;
    const rules = rulesOf(service);
    if (rules === undefined) {
      this.forget(service);
      return;
    }
    const now = clock.now();
    const loads = hosts.flatMap((host) => (host.isUp ? (host.loadOf(service) ?? []) : []));
    const sum = (of: (load: HostLoad) => number): number =>
      loads.reduce((total, load) => total + of(load), 0);
    const running = sum((load) => load.running);
    const callsInFlight = sum((load) => load.callsInFlight);
    const callsWaiting = sum((load) => load.callsWaiting);
    const known = this.#decided.get(service);
    // A new home waits for what every host tells.
    if (known === undefined && hosts.some((host) => !this.#hasTold(host))) return;
    // Another host was the home before: what it had decided stays for a while.
    const recent = known?.recent ?? [{ at: now, needed: Math.min(running, rules.maxInstances) }];
    const lastUsedAt = Math.max(...loads.map((load) => load.lastUsedAt));
    const decision = decide(
      recent,
      {
        ...rules,
        load: callsInFlight + callsWaiting,
        idleMs: running > 0 ? now - lastUsedAt : Number.POSITIVE_INFINITY,
      },
      { now, ...limits },
    );
    const { needed, wanted, reason } = decision;
    const { counts, missing } = decidePlacement(
      { ...rules, wanted, before: known?.counts ?? new Map() },
      hosts.map((host) => this.#placeOf(host, service, rules)),
    );
    const at = isoTime(clock.wallTime());
    const home: HomeService = {
      recent: decision.recent,
      counts,
      report: {
        sums: { at, callsInFlight, callsWaiting, needed, wanted, reason, running },
        missing,
        told: hosts.map(({ id, name }) => ({ host: name, wanted: counts.get(id) ?? 0 })),
      },
    };
    if (wanted + running > 0) this.#decided.set(service, home);
    else this.#decided.delete(service);
    // Each host tells what it was told: a message that was lost, or one of another host that took itself for the home, is repaired.
    for (const host of hosts) {
      const load = host.loadOf(service);
      const told = load === undefined ? 0 : load.told;
      const count = counts.get(host.id) ?? 0;
      if (host.isUp && told !== count) host.tell(service, count);
    }
  }

  #placeOf(host: PlacedHost, service: string, { needsNetwork }: PlacedRules): PlacementHost {
    const { id, isUp, isTaking, room } = host;
    const load = isUp ? host.loadOf(service) : undefined;
    const { ramMax, ramReserved, restrictsNetworks } = room ?? NO_ROOM;
    return {
      id,
      isOpen: isUp ? isTaking : !this.#isLost(host),
      canIsolate: !needsNetwork || restrictsNetworks,
      ramMax,
      ramFree: ramMax - ramReserved,
      running: isUp && room !== undefined ? (load?.running ?? 0) : undefined,
      load: load === undefined ? 0 : load.callsInFlight + load.callsWaiting + load.callsPassedOn,
    };
  }
}

/** The room of a host that has told nothing yet. Nothing is a share of zero. */
const NO_ROOM: HostRoom = { ramMax: 1, ramReserved: 1, restrictsNetworks: false };
