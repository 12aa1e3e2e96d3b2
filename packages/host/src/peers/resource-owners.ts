import type { LeverError } from "@leveros/protocol";
import type { Lease, Moment, ResourceRight } from "../cluster/lease.ts";
import type { HostRow } from "../cluster/membership.ts";
import {
  afterClaim,
  afterHostsSeen,
  type ClaimAnswer,
  type Ownership,
  rowsToRelease,
} from "../cluster/ownership.ts";
import type { Claimer, ResourcePlace } from "../cluster/postgres-owners.ts";
import { resourceUnavailable } from "../router/other-hosts.ts";
import type { ResourcePhase } from "../router/resource-phase.ts";
import { type OwnerHint, OwnerHints } from "./owner-hints.ts";

/** As many as one service may have. */
const HINTS_MAX = 100_000;

/** This host in the cluster, as its resources depend on it. */
export interface ResourceMember {
  readonly id: string;
  readonly incarnation: number;
  readonly lease: Lease | undefined;
  readonly hosts: readonly HostRow[];
  right(): ResourceRight;
  now(): Moment;
}

/** Owners as the database has them. */
export interface OwnersTable {
  claim(place: ResourcePlace, claimer: Claimer): Promise<Exclude<ClaimAnswer, { kind: "unknown" }>>;
  release(place: ResourcePlace, owner: Claimer & { readonly epoch: number }): Promise<boolean>;
  owned(claimer: Claimer): Promise<readonly (ResourcePlace & { readonly epoch: number })[]>;
}

/** A route, as its resources are claimed. */
export interface OwningRoute {
  readonly environment: string;
  readonly service: string;
  resourcePhase(resource: string): ResourcePhase | undefined;
  claimed(resource: string, epoch: number): void;
  notOwned(resource: string, error?: LeverError): void;
}

/**
 * The resources of this host among the hosts of the cluster. The database decides who owns one, and the router's ledger has the
 * phase; here are only hints of owners elsewhere.
 */
export class ResourceOwners {
  /** Resources that this host claims, owns or gives back. */
  held = 0;
  /** This host claims no more resources. Those that it has are given back. */
  isDraining = false;
  readonly #member: ResourceMember;
  readonly #table: OwnersTable;
  readonly #hints = new OwnerHints(HINTS_MAX);

  constructor(member: ResourceMember, table: OwnersTable) {
    this.#member = member;
    this.#table = table;
  }

  ownershipOf(route: OwningRoute, resource: string): Ownership {
    const { incarnation } = this.#member;
    switch (route.resourcePhase(resource)) {
      case "claiming":
        return { kind: "claiming", incarnation };
      case "releasing":
        return { kind: "releasing", incarnation, epoch: 0 };
      case undefined:
      case "unplaced":
      case "elsewhere":
        return this.#elsewhere(route, resource);
      case "claimed":
      case "opening":
      case "open":
      case "handingOver":
      case "closing":
      case "ownerExiting":
      case "openerExiting":
        return { kind: "owned", incarnation, epoch: 0 };
    }
  }

  /** Another host owns the resource, or does not. */
  learn(route: OwningRoute, resource: string, owner: OwnerHint | undefined): void {
    if (owner === undefined || owner.host === this.#member.id) this.#hints.forget(route, resource);
    else this.#hints.set(route, resource, owner);
  }

  /** Claims a resource; the route gets the answer. @throws LeverError `resource_unavailable` */
  claim(route: OwningRoute, resource: string): void {
    if (this.#member.right() !== "own") {
      throw resourceUnavailable(resource, "its host has no lease of the cluster's database now");
    }
    this.held++;
    void this.#claim(route, resource);
  }

  /** True = nothing is left to give back: the incarnation of this host is over. */
  release(
    route: OwningRoute,
    { resource, epoch }: { readonly resource: string; readonly epoch: number },
  ): boolean {
    // A row that stays is found by `releaseUnknown`.
    if (this.#member.right() === "none") {
      this.held--;
      return true;
    }
    void this.#release(route, resource, epoch);
    return false;
  }

  /** Gives back what the database has for this host and its ledgers do not: claims and releases without an answer. */
  async releaseUnknown(routeOf: (place: ResourcePlace) => OwningRoute | undefined): Promise<void> {
    const { id: host, incarnation } = this.#member;
    for (const row of await this.#table.owned({ host, incarnation })) {
      const route = routeOf(row);
      const ownership: Ownership =
        route === undefined ? { kind: "unknown" } : this.ownershipOf(route, row.resource);
      const isUnknown = rowsToRelease([row], () => ownership).length > 0;
      if (isUnknown) await this.#table.release(row, { host, incarnation, epoch: row.epoch });
    }
  }

  async #claim(route: OwningRoute, resource: string): Promise<void> {
    const { environment, service } = route;
    const { id: host, incarnation } = this.#member;
    const place = { environment, service, resource };
    const answer = await this.#table
      .claim(place, { host, incarnation })
      .catch((): ClaimAnswer => ({ kind: "unknown" }));
    const { lease } = this.#member;
    const after = afterClaim({ incarnation }, answer, { lease, now: this.#member.now() });
    switch (after.kind) {
      case "owned":
        if (!this.isDraining) route.claimed(resource, after.epoch);
        else await this.#release(route, resource, after.epoch);
        return;
      case "releasing":
        await this.#table.release(place, { host, incarnation, epoch: after.epoch }).catch(() => {});
        this.#notOwned(route, resource, "the lease of its host has ended");
        return;
      case "elsewhere":
        this.learn(route, resource, after);
        this.#notOwned(route, resource);
        return;
      case "claiming":
      case "unknown":
        this.#notOwned(route, resource, "the cluster's database does not answer");
    }
  }

  async #release(route: OwningRoute, resource: string, epoch: number): Promise<void> {
    const { environment, service } = route;
    const { id: host, incarnation } = this.#member;
    const place = { environment, service, resource };
    await this.#table.release(place, { host, incarnation, epoch }).catch(() => {});
    this.#notOwned(route, resource);
  }

  #notOwned(route: OwningRoute, resource: string, reason?: string): void {
    this.held--;
    route.notOwned(
      resource,
      reason === undefined ? undefined : resourceUnavailable(resource, reason),
    );
  }

  /** An incarnation that is over owns nothing. */
  #elsewhere(route: OwningRoute, resource: string): Ownership {
    const hint = this.#hints.get(route, resource);
    if (hint === undefined) return { kind: "unknown" };
    const { host, incarnation } = hint;
    const ownership = afterHostsSeen({ kind: "elsewhere", host, incarnation }, this.#member.hosts);
    if (ownership.kind === "unknown") this.#hints.forget(route, resource);
    return ownership;
  }
}
