import { uptime } from "node:os";
import { LeverError } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { Emitter } from "../emitter.ts";
import type { Log } from "../logs/log.ts";
import { refuseNamesake, refuseOtherLinks, replaced } from "./join-refusals.ts";
import {
  type Lease,
  type Moment,
  ownersEndAtMs,
  RENEW_EVERY_MS,
  type ResourceRight,
  renewLease,
  resourceRight,
  rightChangesInMs,
} from "./lease.ts";
import {
  decideMembership,
  fenceDueInMs,
  hostsToFence,
  type Observation,
  observeHosts,
  TAKE_OVER_AFTER_MS,
} from "./membership.ts";
import { databaseReason } from "./postgres-error.ts";
import type { AnnouncedHost, MemberRow, PostgresLeases } from "./postgres-leases.ts";

export interface MemberOptions {
  /** Names this host. It never changes. */
  readonly id: string;
  /** The name that people know it by. No two active hosts have the same one. */
  readonly name: string;
  readonly leases: Pick<PostgresLeases, "join" | "hosts" | "renew" | "fence" | "leave">;
  /** The rest of the host's row, as it is when the host joins. */
  readonly announce: () => Omit<AnnouncedHost, "id" | "name" | "incarnation" | "appliedRevision">;
  /** A higher number than all before, which survives a crash. */
  readonly nextIncarnation: () => Promise<number>;
  /** The revision that holds in every process of this host that takes calls. */
  readonly appliedRevision: () => number;
  readonly now?: () => Moment;
  readonly clock: Clock;
  readonly log: Log;
}

/** An acknowledged renewal. */
export interface RenewedLease {
  readonly lease: Lease;
  /** N4. Boot time. */
  readonly ownersEndAtMs: number;
}

/** The lease of this host over its life: it joins, renews every second, fences others, and joins again when its lease is over. */
export class Member {
  readonly id: string;
  readonly name: string;
  readonly renewed: Emitter<RenewedLease> = new Emitter();
  readonly rightChanged: Emitter<ResourceRight> = new Emitter();
  /** The rows of all hosts, as of each acknowledged renewal. */
  readonly hostsSeen: Emitter<readonly MemberRow[]> = new Emitter();
  /** Operators drain this host, or want it back. */
  readonly drainChanged: Emitter<boolean> = new Emitter();
  /** N3. This incarnation is over: everything that it owns must end before the next one joins. */
  readonly over: Emitter<void> = new Emitter();
  /** N5, N6. Processes that own resources, or are left of an earlier incarnation. */
  ownersCount: () => number = () => 0;
  /** It has no instance and no resource. */
  isIdle: () => boolean = () => true;
  readonly #options: MemberOptions;
  #incarnation = 0;
  #isMember = false;
  /** Another host has announced a higher incarnation with the same id. */
  #isReplaced = false;
  #lease: Lease | undefined;
  #hosts: readonly MemberRow[] = [];
  #seenAt: number | undefined;
  #observation: Observation | undefined;
  #isDraining = false;
  #right: ResourceRight = "none";
  #rightTimer: unknown;
  #reported = "";
  #tells = false;
  #wake: (() => void) | undefined;
  #isClosed = false;
  #ended: Promise<void> | undefined;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.id = options.id;
    this.name = options.name;
  }

  /** Grows with each time that the host joins. 0 = it has not joined. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** N1. undefined = there is none. */
  get lease(): Lease | undefined {
    return this.#lease;
  }

  /** The rows of all hosts as of the last acknowledged renewal, this one among them. */
  get hosts(): readonly MemberRow[] {
    return this.#hosts;
  }

  /** Age of `hosts`; undefined = they were never read. */
  get hostsAgeMs(): number | undefined {
    return this.#seenAt === undefined ? undefined : this.#options.clock.now() - this.#seenAt;
  }

  /** An operator drains this host, as of the last rows that it has read. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  now(): Moment {
    const { now, clock } = this.#options;
    // The machine's boot time, with steps of 10 ms.
    return now === undefined ? { bootMs: uptime() * 1_000, monotonicMs: clock.now() } : now();
  }

  right(): ResourceRight {
    return resourceRight(this.#lease, this.now());
  }

  /** Joins the cluster. @throws LeverError `unavailable`, `conflict` when the name or the id is another host's */
  async join(): Promise<void> {
    await this.#step();
  }

  /** Renews the lease from now on, and joins again where that is needed. */
  start(): void {
    this.#ended ??= this.#run();
  }

  /** Renews now, so that other hosts learn the revision that this one has applied. */
  tell(): void {
    this.#tells = true;
    this.#wake?.();
  }

  /** Reads the hosts, when one of them may have applied a change. @throws LeverError `unavailable` */
  async readHosts(): Promise<readonly MemberRow[]> {
    this.#see(await this.#options.leases.hosts());
    return this.#hosts;
  }

  /** N6. Ends the lease in order. Everything that owns resources has ended. May be called twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return await this.#ended;
    this.#isClosed = true;
    this.#wake?.();
    await this.#ended;
    this.#options.clock.clearTimeout(this.#rightTimer);
    if (!this.#isMember) return;
    // Without an answer, the lease ends by itself.
    await this.#options.leases.leave(this.#self).catch(() => {});
  }

  get #self(): { readonly id: string; readonly incarnation: number } {
    return { id: this.id, incarnation: this.#incarnation };
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    while (!this.#isClosed && !this.#isReplaced) {
      const startedAt = clock.now();
      try {
        await this.#step();
        if (this.#reported !== "") log("info", "cluster", "lease renewed again");
        this.#reported = "";
      } catch (error) {
        this.#observation = undefined;
        const reason = error instanceof LeverError ? error.message : databaseReason(error);
        if (this.#reported === "") log("warn", "cluster", "lease not renewed", { reason });
        this.#reported = reason;
        this.#tells = false;
      }
      const dueInMs = fenceDueInMs(this.#observation, { now: this.now(), self: this.id });
      await this.#sleep(Math.min(startedAt + RENEW_EVERY_MS - clock.now(), dueInMs));
    }
  }

  async #step(): Promise<void> {
    const step = decideMembership({
      isMember: this.#isMember,
      isLeaving: false,
      owners: this.ownersCount(),
    });
    // N5: while owners end, the host stays away.
    if (step === "kill owners") return;
    if (step === "join") await this.#join();
    await this.#renew();
  }

  async #join(): Promise<void> {
    const { leases, announce, nextIncarnation, appliedRevision, log } = this.#options;
    this.#see(await leases.hosts());
    const announced = announce();
    refuseNamesake(this.#hosts, this);
    refuseOtherLinks(this.#hosts, { id: this.id, links: announced.links });
    const incarnation = await nextIncarnation();
    const { id, name } = this;
    const row = { ...announced, id, name, incarnation, appliedRevision: appliedRevision() };
    if (!(await leases.join(row))) throw replaced();
    this.#incarnation = incarnation;
    this.#isMember = true;
    log("info", "cluster", "cluster joined", { incarnation });
  }

  async #renew(): Promise<void> {
    const { leases, appliedRevision } = this.#options;
    const tells = this.#tells;
    this.#tells = false;
    const sentAt = this.now();
    const told = { appliedRevision: appliedRevision(), isIdle: this.#isDraining && this.isIdle() };
    const self = { ...this.#self, ...told };
    const { isRenewed, session, hosts } = await leases.renew(self, { tells });
    this.#see(hosts);
    if (!isRenewed) return this.#end();
    this.#lease = renewLease(this.#lease, { incarnation: this.#incarnation, sentAt });
    this.renewed.emit({ lease: this.#lease, ownersEndAtMs: ownersEndAtMs(this.#lease) });
    this.#updateRight();
    const answer = { sentAt, receivedAt: this.now(), session, hosts };
    this.#observation = observeHosts(this.#observation, answer);
    await this.#fence(hostsToFence(this.#observation, answer, this.id));
  }

  /** N3 */
  async #fence(due: readonly MemberRow[]): Promise<void> {
    const { leases, log } = this.#options;
    for (const host of due) {
      if (await leases.fence(host, { olderThanMs: TAKE_OVER_AFTER_MS })) {
        log("warn", "cluster", "host fenced", { fenced: host.name });
        // Its resources are free: calls that wait for them are decided again by the next renewal.
        this.tell();
      }
    }
  }

  /** N3. The incarnation was fenced, or another host has taken the id. */
  #end(): void {
    const { log } = this.#options;
    this.#isMember = false;
    this.#lease = undefined;
    this.#observation = undefined;
    this.#updateRight();
    this.over.emit();
    const own = this.#hosts.find(({ id }) => id === this.id);
    this.#isReplaced = own !== undefined && own.incarnation > this.#incarnation;
    if (this.#isReplaced) {
      log("error", "cluster", "host replaced", { reason: replaced().message });
    } else {
      log("warn", "cluster", "lease lost", { incarnation: this.#incarnation });
      this.#wake?.();
    }
  }

  #see(hosts: readonly MemberRow[]): void {
    this.#hosts = hosts;
    this.#seenAt = this.#options.clock.now();
    this.hostsSeen.emit(hosts);
    const isDraining = hosts.find(({ id }) => id === this.id)?.isDraining ?? this.#isDraining;
    if (isDraining === this.#isDraining) return;
    this.#isDraining = isDraining;
    if (isDraining) this.#options.log("info", "cluster", "host draining");
    else this.#options.log("info", "cluster", "host resumed");
    this.drainChanged.emit(isDraining);
  }

  /** Tells of a change of the right, now and when the lease nears its end. */
  #updateRight(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#rightTimer);
    const now = this.now();
    const right = resourceRight(this.#lease, now);
    const changesInMs = rightChangesInMs(this.#lease, now);
    if (changesInMs !== undefined && !this.#isClosed) {
      this.#rightTimer = clock.setTimeout(() => this.#updateRight(), Math.max(1, changesInMs));
    }
    if (right === this.#right) return;
    this.#right = right;
    this.rightChanged.emit(right);
  }

  /** Waits for so long, or until `tell`. */
  async #sleep(ms: number): Promise<void> {
    if (this.#isClosed || this.#tells || ms <= 0) return;
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(resolve, ms);
      this.#wake = () => {
        clock.clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
