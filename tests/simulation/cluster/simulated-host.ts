import {
  type Lease,
  type Observation,
  ownersEndAtMs,
  RENEW_EVERY_MS,
  type ResourceRight,
  rightChangesInMs,
} from "@leveros/host/parts";
import type { ClusterWorld } from "./cluster-world.ts";
import { HostedResources } from "./hosted-resources.ts";
import type { CallOutcome, HostCall, SimulatedCall } from "./simulated-call.ts";
import type { SimulatedDatabase } from "./simulated-database.ts";
import { SimulatedInstance } from "./simulated-instance.ts";
import { SimulatedKeeper } from "./simulated-keeper.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import type { SimulatedServer } from "./simulated-server.ts";

const RENEW_TIMEOUT_MS = 1_000;
const STATEMENT_TIMEOUT_MS = 2_500;
const INSTANCES = 2;
const KEEPER_START_MS = 50;
/** A host lists its own rows after so many renewals. */
const RENEWALS_PER_LIST = 5;

/** A host's loops around the decisions. Everything that it learns comes late, or not at all. */
export class SimulatedHost extends SimulatedProcess {
  readonly name: string;
  readonly resources: HostedResources;
  lease: Lease | undefined;
  isMember = false;
  isLeaving = false;
  readonly #server: SimulatedServer;
  readonly #instances = new Set<SimulatedInstance>();
  #observation: Observation | undefined;
  #activeHosts: readonly string[] = [];
  #keeper: SimulatedKeeper | undefined;
  /** Owners that the keeper has not confirmed yet. */
  readonly #unkept = new Map<SimulatedInstance, (() => void)[]>();
  #isJoining = false;
  #renewals = 0;
  /** Only the last timer of the lease counts. */
  #round = 0;

  constructor(world: ClusterWorld, server: SimulatedServer) {
    super(world, server.machine);
    this.name = server.machine.name;
    this.#server = server;
    this.resources = new HostedResources(this);
  }

  start(): void {
    this.#startKeeper();
    for (let i = 0; i < INSTANCES; i++) this.#startInstance();
    this.#loop();
  }

  get incarnation(): number {
    return this.#server.incarnation;
  }

  get right(): ResourceRight {
    if (!this.isMember || this.isLeaving) return "none";
    return this.world.rules.resourceRight(this.lease, this.machine.moment());
  }

  // Calls.

  /** A call comes in from its caller, or from another host. */
  receiveCall(
    call: SimulatedCall,
    from: Pick<HostCall, "mark" | "onOutcome"> & { readonly leftMs: number },
  ): void {
    const { mark, leftMs, onOutcome } = from;
    const { resource } = call;
    const made: HostCall = {
      call,
      resource,
      mark,
      redirects: 0,
      hasWaited: false,
      isOver: false,
      onOutcome,
    };
    this.timer(leftMs, () => {
      if (made.isOver) return;
      made.isOver = true;
      this.resources.leave(made);
      onOutcome({ kind: "ended", code: "deadline_exceeded" });
    });
    this.resources.take(made);
  }

  /** The host for a resource without a known owner. */
  choose(): string | undefined {
    const isOwn = this.right === "own";
    if (isOwn && this.world.chance(0.5)) return this.name;
    const others = this.#activeHosts.filter((name) => this.canReach(name));
    return this.world.oneOf(others) ?? (isOwn ? this.name : undefined);
  }

  /** False = the link to that host is known to be broken. */
  canReach(host: string): boolean {
    const { network } = this.world;
    return network.isOpen(this.name, host) && network.isOpen(host, this.name);
  }

  pass(
    { call }: HostCall,
    { to, mark }: { readonly to: string; readonly mark: "at owner" | "may place" },
    onOutcome: (outcome: CallOutcome) => void,
  ): void {
    const { network } = this.world;
    const leftMs = call.timeoutMs;
    network.send(this.name, to, () => {
      const host = this.world.hostOf(to);
      const answer = (outcome: CallOutcome): void => {
        network.send(to, this.name, () => this.receive(() => onOutcome(outcome)));
      };
      host?.receive(() => host.receiveCall(call, { mark, leftMs, onOutcome: answer }));
    });
  }

  // The database.

  /** Runs a transaction. `done` gets undefined when no answer came in time. */
  ask<Answer>(
    timeoutMs: number,
    transaction: (database: SimulatedDatabase) => Answer,
    done: (answer: Answer | undefined) => void,
  ): void {
    const { database, network } = this.world;
    let isOver = false;
    const finish = (answer?: Answer): void => {
      if (isOver) return;
      isOver = true;
      done(answer);
    };
    this.timer(timeoutMs, finish);
    network.send(this.name, "database", () => {
      database.run(() => {
        const answer = transaction(database);
        network.send("database", this.name, () => this.receive(() => finish(answer)));
      });
    });
  }

  release(
    resource: string,
    { incarnation, epoch }: { readonly incarnation: number; readonly epoch: number },
    done: () => void,
  ): void {
    this.ask(
      STATEMENT_TIMEOUT_MS,
      (database) => database.release(resource, { host: this.name, incarnation, epoch }),
      done,
    );
  }

  // Instances and their keeper.

  anyInstance(): SimulatedInstance | undefined {
    return this.world.oneOf([...this.#instances].filter(({ isDead }) => !isDead));
  }

  /** The keeper gets an owner. Calls back when it has it. */
  keep(owner: SimulatedInstance, onKept: () => void): void {
    if (!this.world.rules.hasKeeper) {
      onKept();
      return;
    }
    this.#unkept.set(owner, [...(this.#unkept.get(owner) ?? []), onKept]);
    this.#sendToKeeper(owner);
  }

  /** An instance owns nothing any more. */
  unkeep(owner: SimulatedInstance): void {
    const keeper = this.#keeper;
    keeper?.receiveLocally(() => keeper.remove(owner));
  }

  /** An instance that owns resources gets the end of the lease. */
  tellEnd(owner: SimulatedInstance): void {
    const { lease } = this;
    if (lease !== undefined) owner.receiveLocally(() => owner.setEnd(ownersEndAtMs(lease)));
  }

  protected override onDeath(): void {
    const keeper = this.#keeper;
    keeper?.receiveLocally(() => keeper.hostDied());
    // The runtimes exit when their links close, if their event loops turn.
    for (const instance of this.#instances) instance.receiveLocally(() => instance.die());
  }

  #startInstance(): void {
    this.timer(30 + this.world.random() * 120, () => {
      const instance = new SimulatedInstance(this.world, this.machine);
      this.#instances.add(instance);
      this.#server.instances.add(instance);
      instance.whenDead(() => {
        this.#server.instances.delete(instance);
        this.receiveLocally(() => {
          this.#instances.delete(instance);
          this.#unkept.delete(instance);
          this.resources.exited(instance);
          this.#startInstance();
        });
      });
      this.resources.place();
    });
  }

  #startKeeper(): void {
    if (!this.world.rules.hasKeeper) return;
    const keeper = new SimulatedKeeper(this.world, this.machine);
    this.#keeper = keeper;
    this.#server.keeper = keeper;
    keeper.whenDead(() => {
      this.receiveLocally(() => {
        this.#keeper = undefined;
        this.timer(KEEPER_START_MS, () => this.#startKeeper());
      });
    });
    this.#tellKeeper();
    for (const owner of this.#owners) this.#sendToKeeper(owner);
  }

  #sendToKeeper(owner: SimulatedInstance): void {
    const keeper = this.#keeper;
    keeper?.receiveLocally(() => {
      keeper.add(owner, () => {
        this.receiveLocally(() => {
          const waiting = this.#unkept.get(owner) ?? [];
          this.#unkept.delete(owner);
          for (const onKept of waiting) onKept();
        });
      });
    });
  }

  #tellKeeper(): void {
    const { lease } = this;
    const keeper = this.#keeper;
    if (lease !== undefined) keeper?.receiveLocally(() => keeper.setEnd(ownersEndAtMs(lease)));
  }

  /** Instances that own resources, or may. */
  get #owners(): SimulatedInstance[] {
    return [...this.#instances].filter((one) => !one.isDead && this.resources.isOwner(one));
  }

  /** N5. Also the processes of earlier hosts on this machine. */
  get #ownersLeft(): SimulatedInstance[] {
    const strangers = [...this.#server.instances].filter((one) => !this.#instances.has(one));
    return [...this.#owners, ...strangers];
  }

  #killOwners(): void {
    for (const owner of this.#ownersLeft) owner.kill();
  }

  // The lease.

  #loop(): void {
    this.#step();
    this.timer(RENEW_EVERY_MS, () => this.#loop());
  }

  #step(): void {
    const { isMember, isLeaving, world } = this;
    this.#checkRight();
    this.resources.tick(isLeaving);
    const owners = isMember ? this.resources.claimed : this.#ownersLeft.length;
    switch (world.rules.decideMembership({ isMember, isLeaving, owners })) {
      case "renew":
      case "release":
        this.#renew();
        return;
      case "kill owners":
        this.#killOwners();
        // The last of them may be dead in a moment.
        this.timer(20, () => this.#joinWhenClear());
        return;
      case "join":
        this.#join();
        return;
      case "leave":
        this.#leave();
        return;
      case "stay away":
    }
  }

  #joinWhenClear(): void {
    const isClear = this.#ownersLeft.length === 0;
    if (isClear && !this.isMember && !this.isLeaving) this.#join();
  }

  #join(): void {
    if (this.#isJoining) return;
    this.#isJoining = true;
    this.resources.incarnationOver();
    // Each attempt has a number of its own: one without an answer may be carried out later.
    const incarnation = ++this.#server.incarnation;
    const sentAt = this.machine.moment();
    this.ask(
      STATEMENT_TIMEOUT_MS,
      (database) => database.join({ host: this.name, incarnation }),
      (isJoined = false) => {
        this.#isJoining = false;
        if (!isJoined) return;
        this.isMember = true;
        this.#acknowledged({ incarnation, sentAt });
        this.#renew();
      },
    );
  }

  #renew(): void {
    const { incarnation } = this;
    const sentAt = this.machine.moment();
    this.ask(
      RENEW_TIMEOUT_MS,
      (database) => ({
        hosts: database.renew({ host: this.name, incarnation }),
        session: `${database.timeline}`,
      }),
      (answer) => {
        if (incarnation !== this.incarnation || !this.isMember) return;
        if (answer === undefined) {
          this.#observation = undefined;
          return;
        }
        const { hosts, session } = answer;
        if (hosts === undefined) {
          this.#incarnationOver();
          return;
        }
        const receivedAt = this.machine.moment();
        this.#acknowledged({ incarnation, sentAt });
        this.#observe({ hosts, session, sentAt, receivedAt });
      },
    );
    this.world.faults?.onSent(this, "renew");
  }

  #acknowledged(renewal: Lease): void {
    const { rules } = this.world;
    this.lease = rules.renewLease(this.lease, renewal, this.machine.moment());
    this.#tellKeeper();
    for (const owner of this.#owners) this.tellEnd(owner);
    this.#checkRight();
  }

  #observe(answer: Parameters<ClusterWorld["rules"]["observeHosts"]>[1]): void {
    const { rules } = this.world;
    const { hosts } = answer;
    this.#observation = rules.observeHosts(this.#observation, answer);
    this.#activeHosts = hosts
      .filter(({ id, state }) => state === "active" && id !== this.name)
      .map(({ id }) => id);
    this.resources.hostsSeen(hosts);
    for (const row of rules.hostsToFence(this.#observation, answer, this.name)) {
      this.ask(
        STATEMENT_TIMEOUT_MS,
        (database) => {
          if (database.fence(row, rules.takeOverAfterMs)) this.world.judge.onFenced();
        },
        () => {},
      );
    }
    this.#renewals++;
    if (this.#renewals % RENEWALS_PER_LIST === 0) this.#list();
  }

  /** Finds claims that were carried out without an answer. */
  #list(): void {
    const { incarnation } = this;
    this.ask(
      STATEMENT_TIMEOUT_MS,
      (database) => database.ownedBy({ host: this.name, incarnation }),
      (rows) => {
        if (rows !== undefined && this.incarnation === incarnation) {
          this.resources.listed(incarnation, rows);
        }
      },
    );
  }

  #incarnationOver(): void {
    this.isMember = false;
    this.lease = undefined;
    this.#observation = undefined;
    this.#step();
  }

  #leave(): void {
    const { incarnation } = this;
    this.ask(
      STATEMENT_TIMEOUT_MS,
      (database) => database.leave({ host: this.name, incarnation }),
      (answer) => {
        if (answer !== undefined && this.incarnation === incarnation) this.#incarnationOver();
      },
    );
  }

  /** N4. */
  #checkRight(): void {
    const { rules } = this.world;
    const now = this.machine.moment();
    if (rules.resourceRight(this.lease, now) === "none") this.#killOwners();
    const changesInMs = rightChangesInMs(this.lease, now);
    const round = ++this.#round;
    if (changesInMs === undefined) return;
    this.timer(changesInMs, () => {
      if (round === this.#round) this.#checkRight();
    });
  }
}
