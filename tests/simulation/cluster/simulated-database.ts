import type { ClaimAnswer, HostRow, OwnedRow } from "@leveros/host/parts";
import type { ClusterWorld } from "./cluster-world.ts";

interface StoredHost {
  incarnation: number;
  state: HostRow["state"];
  renewal: number;
  renewedAtMs: number;
}

interface StoredOwner {
  host: string;
  incarnation: number;
  epoch: number;
  isReleased: boolean;
}

export interface Incarnation {
  readonly host: string;
  readonly incarnation: number;
}

/**
 * The tables of hosts and owners, with the meaning of the SQL: each method is one transaction. A standby that is promoted has
 * every acknowledged write, and a clock of its own.
 */
export class SimulatedDatabase {
  isUp = true;
  timeline = 1;
  readonly #world: ClusterWorld;
  readonly #rate: number;
  #aheadMs = 0;
  #epoch = 0;
  readonly #hosts = new Map<string, StoredHost>();
  readonly #owners = new Map<string, StoredOwner>();
  /** Transactions that wait until it is up again. */
  readonly #waiting: (() => void)[] = [];

  constructor(world: ClusterWorld) {
    this.#world = world;
    this.#rate = 1 + (world.random() * 2 - 1) * 0.005;
  }

  stop(ms: number): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.#world.after(ms, () => {
      this.isUp = true;
      for (const run of this.#waiting.splice(0)) run();
    });
  }

  /** A standby takes over, whose clock is ahead by this time. */
  promote(afterMs: number, aheadMs: number): void {
    if (!this.isUp) return;
    this.stop(afterMs);
    this.timeline++;
    this.#aheadMs = aheadMs;
  }

  /** Runs a transaction now or, when the database is down, later or never. */
  run(transaction: () => void): void {
    if (this.isUp) transaction();
    else if (this.#world.chance(0.5)) this.#waiting.push(transaction);
  }

  join({ host, incarnation }: Incarnation): boolean {
    const earlier = this.#hosts.get(host);
    if (earlier !== undefined && earlier.incarnation >= incarnation) return false;
    const renewedAtMs = this.#now();
    this.#hosts.set(host, { incarnation, state: "active", renewal: 1, renewedAtMs });
    return true;
  }

  /** undefined = this incarnation is over. */
  renew(who: Incarnation): readonly HostRow[] | undefined {
    const row = this.#active(who);
    if (row === undefined) return undefined;
    row.renewal++;
    row.renewedAtMs = this.#now();
    return this.hosts();
  }

  hosts(): readonly HostRow[] {
    const now = this.#now();
    return [...this.#hosts].map(([id, { renewedAtMs, ...row }]) => {
      return { id, ...row, renewedAgoMs: now - renewedAtMs };
    });
  }

  /** N3. */
  fence(
    { id, incarnation, renewal }: Pick<HostRow, "id" | "incarnation" | "renewal">,
    olderThanMs: number,
  ): boolean {
    const row = this.#active({ host: id, incarnation });
    if (row?.renewal !== renewal || this.#now() - row.renewedAtMs <= olderThanMs) return false;
    row.state = "fenced";
    return true;
  }

  leave(who: Incarnation): boolean {
    const row = this.#active(who);
    if (row !== undefined) row.state = "left";
    return row !== undefined;
  }

  claim(resource: string, who: Incarnation): ClaimAnswer {
    if (this.#active(who) === undefined) return { kind: "notActive" };
    const owner = this.#owners.get(resource);
    if (owner !== undefined && !this.#isFreeFor(owner, who)) {
      const { host, incarnation, epoch } = owner;
      return { kind: "owned", host, incarnation, epoch };
    }
    const epoch = ++this.#epoch;
    this.#owners.set(resource, { ...who, epoch, isReleased: false });
    return { kind: "claimed", epoch };
  }

  release(
    resource: string,
    { host, incarnation, epoch }: Incarnation & { epoch: number },
  ): boolean {
    const owner = this.#owners.get(resource);
    const isMine =
      owner?.host === host && owner.incarnation === incarnation && owner.epoch === epoch;
    if (!isMine || owner.isReleased) return false;
    owner.isReleased = true;
    return true;
  }

  ownedBy({ host, incarnation }: Incarnation): readonly OwnedRow[] {
    return [...this.#owners]
      .filter(([, row]) => row.host === host && row.incarnation === incarnation && !row.isReleased)
      .map(([resource, { epoch }]) => ({ resource, epoch }));
  }

  #isFreeFor(owner: StoredOwner, who: Incarnation): boolean {
    if (owner.isReleased) return true;
    if (owner.host === who.host && owner.incarnation === who.incarnation) return true;
    const row = this.#hosts.get(owner.host);
    if (row === undefined) return false;
    if (row.incarnation > owner.incarnation) return true;
    return row.incarnation === owner.incarnation && row.state !== "active";
  }

  #active({ host, incarnation }: Incarnation): StoredHost | undefined {
    const row = this.#hosts.get(host);
    return row?.incarnation === incarnation && row.state === "active" ? row : undefined;
  }

  #now(): number {
    return this.#world.trueMs * this.#rate + this.#aheadMs;
  }
}
