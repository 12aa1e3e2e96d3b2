// One class, although long: the parts of a host in a cluster are opened, started and closed here, in one order.

import { hostname } from "node:os";
import type { ClusterStatus, HostsReport, Limits } from "@leveros/protocol";
import type { AskedHost } from "../admin/asked-host.ts";
import type { Clock } from "../clock.ts";
import { Acknowledgements } from "../cluster/acknowledgements.ts";
import { ArchivePrefetch } from "../cluster/archive-prefetch.ts";
import { ClusterCommits } from "../cluster/cluster-commits.ts";
import { ClusterKey } from "../cluster/cluster-key.ts";
import { clockFault } from "../cluster/database-clock.ts";
import { HostChanges } from "../cluster/host-changes.ts";
import { type HostIdentity, readIdentity, refuseCopy } from "../cluster/host-identity.ts";
import { listHosts } from "../cluster/list-hosts.ts";
import { Member } from "../cluster/member.ts";
import { isAway } from "../cluster/postgres-error.ts";
import type { PostgresFeed } from "../cluster/postgres-feed.ts";
import { DATABASE, memoryIn } from "../cluster/postgres-servers.ts";
import { openPostgresStore, type PostgresStore } from "../cluster/postgres-store.ts";
import { parseDatabaseUrl } from "../cluster/postgres-url.ts";
import { type HostReplica, openReplica } from "../cluster/replica.ts";
import { formatFor, SHARED_VERSIONS } from "../cluster/shared-versions.ts";
import type { Log } from "../logs/log.ts";
import type { ClusterLinks } from "../peers/cluster-links.ts";
import type { Placement } from "../placement/placement.ts";
import { bootId } from "../processes/boot-id.ts";
import { Applier } from "../state/applier.ts";
import { askedHosts } from "./asked-hosts.ts";
import { catchUp } from "./catch-up.ts";
import type { OpenClusterOptions } from "./cluster-options.ts";
import { enterCluster } from "./enter-cluster.ts";
import type { HostParts, SharedState } from "./host-parts.ts";
import { hostVersion } from "./host-version.ts";
import { linkedParts, openLinks } from "./open-links.ts";
import { openPlacement } from "./open-placement.ts";
import { reloadParts } from "./reload-parts.ts";
import { restartInstances } from "./restart-instances.ts";

const CLEAN_ARCHIVES_MS = 600_000;

/** The hosts that are one Lever, as this one of them has joined them. */
export class Cluster {
  readonly member: Member;
  shared: SharedState;
  placement: Placement | undefined;
  readonly changes: HostChanges;
  readonly #about: {
    readonly id: string;
    readonly keyId: string;
    readonly servers: readonly string[];
  };
  readonly #database: PostgresStore;
  readonly #links: ClusterLinks;
  readonly #replica: HostReplica;
  readonly #feed: PostgresFeed;
  readonly #commits: ClusterCommits;
  readonly #acknowledgements: Acknowledgements;
  readonly #clock: Clock;
  readonly #limits: Limits;
  /** The database answered when the host started. */
  #isThere: boolean;
  readonly #log: Log;
  #prefetch: ArchivePrefetch | undefined;
  #cleaning: unknown;
  #isServing = false;
  /** The format of the tables, as far as this host has raised it. 0 = it has not. */
  #format = 0;
  #parts: HostParts | undefined;
  #propagated: () => Promise<void> = async () => {};

  /**
   * Opens the cluster's database, and copies its state into the store of this host. A host that was in the cluster before starts
   * from its copy while the database is away.
   * @throws LeverError with what to do
   */
  static async open(given: OpenClusterOptions): Promise<Cluster> {
    const { options, store, clock, log } = given;
    const { notes } = store;
    const key = ClusterKey.read(options.keyFile);
    if (options.isNewDatabase) await notes.remove(DATABASE);
    const memory = memoryIn(notes);
    const database = await openPostgresStore({ urls: options.urls, memory, clock, log });
    let links: ClusterLinks | undefined;
    try {
      const { id, isThere } = await enterCluster(given, { database, key });
      const identity = await readIdentity(notes, {
        storeFile: given.folder.storeFile,
        bootId: bootId(),
        isNew: options.isNewIdentity,
      });
      if (isThere && !identity.isInPlace) await refuseCopy(identity.id, database.leases, clock);
      links = await openLinks(given, identity.id);
      const applier = new Applier();
      const replica = await openReplica({
        ...{ store, cluster: database, applier, clock, log },
        onReloaded: async (revision) => {
          const parts = cluster.#parts;
          if (parts !== undefined) await reloadParts(parts, applier, revision);
        },
        propagated: () => cluster.#propagated(),
        onApplied: () => cluster.member.tell(),
      });
      const opened = { given, id, database, key, identity, links, applier, replica, isThere };
      const cluster: Cluster = new Cluster(opened);
      if (isThere && !(await catchUp(cluster.#feed, replica, { clock, log }))) {
        cluster.#isThere = false;
        cluster.shared = { ...cluster.shared, isCurrent: false };
      }
      return cluster;
    } catch (error) {
      await links?.close();
      await database.close();
      throw error;
    }
  }

  private constructor(opened: {
    readonly given: OpenClusterOptions;
    /** The id of the cluster. */
    readonly id: string;
    readonly database: PostgresStore;
    readonly key: ClusterKey;
    readonly identity: HostIdentity;
    readonly links: ClusterLinks;
    readonly applier: Applier;
    readonly replica: HostReplica;
    readonly isThere: boolean;
  }) {
    const { given, database, key, identity, links, applier, replica, isThere } = opened;
    const { clock, limits, log, options } = given;
    this.#about = {
      id: opened.id,
      keyId: key.id,
      servers: options.urls.map((url) => parseDatabaseUrl(url).name),
    };
    this.#database = database;
    this.#links = links;
    this.#replica = replica;
    this.#clock = clock;
    this.#limits = limits;
    this.#log = log;
    this.#isThere = isThere;
    this.#feed = database.follow(replica);
    this.member = new Member({
      id: identity.id,
      name: options.hostName ?? hostname(),
      leases: database.leases,
      announce: () => ({
        ...links.identity,
        version: hostVersion(),
        ...SHARED_VERSIONS,
      }),
      nextIncarnation: () => identity.nextIncarnation(),
      appliedRevision: () => replica.applied(),
      clock,
      log,
    });
    this.changes = new HostChanges(database.leases, () => this.member.readHosts());
    this.#commits = new ClusterCommits(database, replica);
    const { member, hostsMoved } = { member: this.member, hostsMoved: this.#feed.hostsMoved };
    this.#acknowledgements = new Acknowledgements({ member, hostsMoved, clock });
    this.shared = {
      applier,
      commit: this.#commits.commit,
      archives: {
        store: (codeId, file) => database.archives.putFile(codeId, file),
        async fetch(codeId, file) {
          await database.archives.getFile(codeId, file);
          return true;
        },
      },
      prepareElsewhere: (version) => links.prepare(version),
      box: key,
      keyId: key.id,
      keyFile: options.keyFile,
      isCurrent: isThere,
      others: links.follow(this.member, database.owners),
    };
  }

  /**
   * Follows changes and renews the lease from now on. Resolves when the parts have what the cluster had after this host has
   * joined: from there on, each change waits for this host. While the database is away, it resolves at once.
   * @throws LeverError `conflict` when another host has the name
   */
  async start(parts: HostParts, propagated: () => Promise<void>): Promise<void> {
    this.#parts = parts;
    this.#propagated = propagated;
    const { placement, self } = openPlacement(parts, {
      member: this.member,
      links: this.#links,
      limits: this.#limits,
      clock: this.#clock,
    });
    this.placement = placement;
    this.#links.start(linkedParts(parts, self));
    this.member.isIdle = () => parts.fleet.isEmpty && this.#links.isIdle;
    this.member.drainChanged.add((isDraining) => {
      // Calls pass to other hosts as soon as no instance takes them here.
      if (isDraining || this.#isServing) this.#links.take(!isDraining);
      parts.fleet.drain(isDraining);
    });
    const { applier } = this.shared;
    const prefetch = new ArchivePrefetch(parts.obtainArchive, this.#clock);
    this.#prefetch = prefetch;
    // The author of a change restarts instances itself, and reports about it.
    applier.add(({ change, revision, removedCode }) => {
      const isOwn = (): Promise<boolean> => this.#commits.isOwn(revision);
      void restartInstances(change, { deployer: parts.deployer, isOwn, log: this.#log });
      if (change.kind === "versionPublished") prefetch.want(change.record.codeId);
      for (const codeId of removedCode) prefetch.drop(codeId);
    });
    if (this.#isThere) {
      try {
        await this.member.join();
        await this.#feed.catchUp();
        const reason = clockFault(await this.#database.clockAheadMs(this.#clock.wallTime));
        if (reason !== undefined) this.#log("warn", "cluster", "clocks apart", { reason });
      } catch (error) {
        // It joins as soon as the database answers.
        if (!isAway(error)) throw error;
      }
    }
    placement.start();
    for await (const { codeId } of parts.store.liveVersions()) prefetch.want(codeId);
    this.member.hostsSeen.add((hosts) => this.#raiseFormat(formatFor(hosts)));
    this.member.start();
    this.#feed.start();
    this.#cleanArchives();
  }

  /** Resolves when what this host has applied holds on every host with a lease, to the names of those that were given up on. */
  async acknowledged(): Promise<readonly string[]> {
    return await this.#acknowledgements.wait(this.#replica.applied());
  }

  /** Each answers for itself; this one is the first. */
  get asked(): readonly AskedHost[] {
    const router = this.#parts?.router;
    return router === undefined ? [] : askedHosts(this.member.name, router, this.#links.peers);
  }

  hosts(): HostsReport {
    return listHosts(this.member, this.#replica.applied());
  }

  async status(): Promise<ClusterStatus> {
    const { hosts } = this.hosts();
    const [head, problem] = await this.#database.head().then(
      ({ revision }) => [revision, null] as const,
      (error: unknown) => [null, error instanceof Error ? error.message : String(error)] as const,
    );
    return {
      cluster: this.#about.id,
      host: this.member.name,
      keyId: this.#about.keyId,
      revision: this.#replica.applied(),
      database: { servers: this.#about.servers, problem, revision: head },
      hostsActive: hosts.filter(({ leaseMs }) => leaseMs > 0).length,
      hosts: hosts.length,
    };
  }

  /** The host has every service: other hosts may pass calls on to it. */
  serve(): void {
    this.#isServing = true;
    this.#links.take(!this.member.isDraining);
  }

  /** Takes no new work of other hosts from now on: this one stops. */
  stop(): void {
    this.#isServing = false;
    this.#links.take(false);
  }

  /** Everything that owns resources has ended. */
  async close(): Promise<void> {
    this.#clock.clearTimeout(this.#cleaning);
    this.#prefetch?.close();
    this.placement?.close();
    await this.#links.close();
    await this.#feed.close();
    await this.member.close();
    await this.#database.close();
  }

  /** While hosts are updated one after the other, the tables stay as the oldest Lever among them reads them. */
  #raiseFormat(format: number): void {
    if (format <= this.#format) return;
    this.#format = format;
    this.#database.raiseFormat().catch((error: unknown) => {
      // It is tried again with the next renewal.
      this.#format = 0;
      this.#log("warn", "cluster", "format not raised", { format, reason: String(error) });
    });
  }

  #cleanArchives(): void {
    this.#cleaning = this.#clock.setTimeout(() => {
      // The next time will do.
      this.#database.archives.removeUnneeded().catch(() => {});
      this.#cleanArchives();
    }, CLEAN_ARCHIVES_MS);
  }
}
