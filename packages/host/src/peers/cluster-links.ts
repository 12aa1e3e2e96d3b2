import { hostname } from "node:os";
import { join } from "node:path";
import { type Limits, serviceKey } from "@leveros/protocol";
import { type Clock, delay } from "../clock.ts";
import type { Lease, ResourceRight } from "../cluster/lease.ts";
import type { HostRow } from "../cluster/membership.ts";
import type { Emitter } from "../emitter.ts";
import type { Log } from "../logs/log.ts";
import type { InstanceTarget } from "../router/instance-target.ts";
import type { OtherHosts } from "../router/other-hosts.ts";
import type { Router } from "../router/router.ts";
import type { ServiceRoute } from "../router/service-route.ts";
import { ClusterHosts } from "./cluster-hosts.ts";
import type { ServiceName } from "./owner-hints.ts";
import { OwnerKeeper, type OwningInstance } from "./owner-keeper.ts";
import type { PeerRow } from "./peer.ts";
import { openPeerCertificate, type PeerCertificate } from "./peer-certificate.ts";
import { Peers } from "./peers.ts";
import type { TellingFleet } from "./places-teller.ts";
import { type OwnersTable, type ResourceMember, ResourceOwners } from "./resource-owners.ts";

/** Addresses that no other host can dial. */
const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);
/** A host that stops waits so long for the database: calls of its resources wait until they are given back. */
const GIVE_BACK_MS = 2_000;
const LOOK_MS = 10;
/** Calls of hosts that take longer go elsewhere meanwhile. */
const PREPARE_MS = 20_000;
/** The rows of this host are compared with its ledgers after so many renewals. */
const RENEWALS_PER_LIST = 5;

export interface ClusterLinksOptions {
  /** The id of this host. */
  readonly self: string;
  readonly dataDir: string;
  /** The address to listen on. */
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  /** The address that other hosts dial. undefined = the one that it listens on. */
  readonly address: string | undefined;
  readonly limits: Pick<Limits, "bodyBytesMax">;
  readonly clock: Clock;
  readonly log: Log;
}

/** This host in the cluster. */
export interface ClusterMember extends ResourceMember {
  readonly hosts: readonly (HostRow & PeerRow)[];
  readonly hostsSeen: Pick<Emitter<readonly (HostRow & PeerRow)[]>, "add">;
  readonly renewed: Pick<Emitter<{ readonly lease: Lease; readonly ownersEndAtMs: number }>, "add">;
  readonly rightChanged: Pick<Emitter<ResourceRight>, "add">;
  readonly over: Pick<Emitter<void>, "add">;
  ownersCount: () => number;
}

/** The parts of this host that have its calls and its instances. */
export interface LinkedParts {
  readonly router: Router;
  readonly fleet: TellingFleet;
  /** Starts an instance of a version that goes live next. */
  prepare(version: object): Promise<void>;
  /** An instance of a service; undefined = it has exited. */
  instanceOf(
    service: ServiceName,
    target: InstanceTarget,
  ): (OwningInstance & { kill(reason: string): void }) | undefined;
}

/** Links this host with the other hosts of its cluster: calls that are passed on, and resources over all hosts. */
export class ClusterLinks {
  readonly #options: ClusterLinksOptions;
  readonly #certificate: PeerCertificate;
  readonly #peers: Peers;
  #keeper: OwnerKeeper | undefined;
  #owners: ResourceOwners | undefined;
  #parts: LinkedParts | undefined;
  #renewals = 0;

  /** Listens for other hosts. @throws Error of the system when the port cannot be used. */
  static async open(options: ClusterLinksOptions): Promise<ClusterLinks> {
    const certificate = openPeerCertificate(join(options.dataDir, "peer.pem"));
    return new ClusterLinks(options, certificate, await Peers.open({ ...options, certificate }));
  }

  private constructor(options: ClusterLinksOptions, certificate: PeerCertificate, peers: Peers) {
    this.#options = options;
    this.#certificate = certificate;
    this.#peers = peers;
  }

  /** How other hosts find this one, for its row in the table of hosts. */
  get identity(): { readonly address: string; readonly fingerprint: string } {
    const { bind, address } = this.#options;
    const name = WILDCARDS.has(bind) ? hostname() : bind;
    const host = name.includes(":") ? `[${name}]` : name;
    const { fingerprint } = this.#certificate;
    return { address: address ?? `${host}:${this.#peers.port}`, fingerprint };
  }

  /** The other hosts of the cluster. */
  get peers(): Peers {
    return this.#peers;
  }

  /** Follows the table of hosts and the lease of this one. Returns the other hosts, for the router. */
  follow(member: ClusterMember, table: OwnersTable): OtherHosts<ServiceRoute> {
    const { clock, log } = this.#options;
    const peers = this.#peers;
    const owners = new ResourceOwners(member, table);
    this.#owners = owners;
    const keeper = new OwnerKeeper({
      instanceOf: (service, owner) => this.#parts?.instanceOf(service, owner),
      clock,
      log,
    });
    this.#keeper = keeper;
    const others = new ClusterHosts({
      peers,
      member,
      owners,
      keeper,
      routeOf: (service) => this.#routeOf(service),
      random: Math.random,
      clock,
    });
    member.ownersCount = () => owners.held;
    member.renewed.add(({ ownersEndAtMs }) => {
      keeper.setEnd(ownersEndAtMs);
      this.#renewals++;
      if (this.#renewals % RENEWALS_PER_LIST !== 0) return;
      // It is tried again soon.
      owners.releaseUnknown((place) => this.#routeOf(place)).catch(() => {});
    });
    member.hostsSeen.add((rows) => {
      peers.see(rows.filter(({ state }) => state !== "left"));
      others.retryParked();
    });
    member.rightChanged.add((right) => {
      if (right === "none") this.#endOwners();
    });
    member.over.add(() => this.#endOwners());
    peers.see(member.hosts.filter(({ state }) => state !== "left"));
    return others;
  }

  /** Passes calls of other hosts to these parts. They pass on no new work before `take`. */
  start(parts: LinkedParts): void {
    this.#parts = parts;
    this.#peers.prepareVersion = (version) => parts.prepare(version);
    this.#peers.start(parts.router, parts.fleet);
  }

  /**
   * Takes new work of other hosts: calls, and resources without an owner. False = it takes none, and passes on its own. The
   * calls that it has go on, and so do those of its resources until they are given back.
   */
  take(isTaking: boolean): void {
    if (this.#owners !== undefined) this.#owners.isDraining = !isTaking;
    this.#peers.take(isTaking);
  }

  /** The other hosts that run the service get an instance of a version before it goes live, as far as that takes 20 s. */
  async prepare(version: ServiceName & { readonly codeId: string }): Promise<void> {
    const { environment, service } = version;
    await this.#peers.prepare(serviceKey(environment, service), version, PREPARE_MS);
  }

  /** It has no resource to give back. */
  get isIdle(): boolean {
    return (this.#owners?.held ?? 0) === 0;
  }

  /** Everything that owns resources has ended. */
  async close(): Promise<void> {
    const { clock } = this.#options;
    const giveUpAt = clock.now() + GIVE_BACK_MS;
    while (!this.isIdle && clock.now() < giveUpAt) await delay(clock, LOOK_MS);
    this.#peers.close();
    await this.#keeper?.close();
  }

  /** N4. */
  #endOwners(): void {
    for (const { services } of this.#parts?.router.environments.values() ?? []) {
      for (const route of services.values()) {
        for (const owner of route.owners) {
          this.#parts?.instanceOf(route, owner)?.kill("the lease of its host is over");
        }
        route.hostLost();
      }
    }
  }

  #routeOf({ environment, service }: ServiceName): ServiceRoute | undefined {
    return this.#parts?.router.environment(environment)?.services.get(service);
  }
}
