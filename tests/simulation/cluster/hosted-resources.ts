import {
  afterHostsSeen,
  type ClaimAnswer,
  type HostRow,
  type OwnedRow,
  type Ownership,
  ResourceLedger,
  rowsToRelease,
} from "@leveros/host/parts";
import { LeverError } from "@leveros/protocol";
import type { CallOutcome, HostCall } from "./simulated-call.ts";
import type { SimulatedHost } from "./simulated-host.ts";
import type { InstanceFunction, SimulatedInstance } from "./simulated-instance.ts";

/** A host whose call cannot reach another host decides again after this time. */
const AGAIN_MS = 500;
const CLAIM_TIMEOUT_MS = 2_500;
const HOOK_TIMEOUT_MS = 3_000;
const IDLE_MS = 4_000;

/** A resource at one host: its ownership among hosts, and the router's own ledger for its owner among instances. */
interface Hosted {
  ownership: Ownership;
  readonly ledger: ResourceLedger<SimulatedInstance, HostCall>;
}

/** The resources of one host, and the calls that it has for them. */
export class HostedResources {
  readonly #host: SimulatedHost;
  readonly #resources = new Map<string, Hosted>();
  /** The calls that each instance has. */
  readonly #calls = new Map<SimulatedInstance, Set<() => void>>();

  constructor(host: SimulatedHost) {
    this.#host = host;
  }

  ownershipOf(resource: string): Ownership {
    return this.#resources.get(resource)?.ownership ?? { kind: "unknown" };
  }

  /** Number of resources that this host claims, owns or releases. */
  get claimed(): number {
    return [...this.#resources.values()].filter(({ ownership: { kind } }) => {
      return kind !== "unknown" && kind !== "elsewhere";
    }).length;
  }

  isOwner(instance: SimulatedInstance): boolean {
    return [...this.#resources.values()].some(({ ledger }) => ledger.ownedBy(instance) > 0);
  }

  /** A call has come in, or is decided again. */
  take(call: HostCall): void {
    if (call.isOver) return;
    const host = this.#host;
    const { world, name } = host;
    const hosted = this.#hosted(call.resource);
    const decision = world.rules.decideCall(hosted.ownership, call, {
      self: name,
      right: host.right,
      isDraining: false,
      chosen: host.choose(),
    });
    switch (decision.kind) {
      case "serve":
      case "wait":
      case "claim":
        this.#keep(hosted, call);
        return;
      case "pass on":
        if (host.canReach(decision.to)) {
          host.pass(call, decision, (outcome) => this.#passed(call, decision.to, outcome));
        } else {
          this.#forget(hosted, decision.to);
          host.timer(AGAIN_MS, () => this.take(call));
        }
        return;
      case "not owner": {
        const { ownership } = hosted;
        finish(call, {
          kind: "not owner",
          owner: ownership.kind === "elsewhere" ? ownership : undefined,
        });
        return;
      }
      case "refuse":
        end(call, "unavailable");
    }
  }

  /** The call is over by its deadline. */
  leave(call: HostCall): void {
    this.#hosted(call.resource).ledger.leave(call);
  }

  /** An instance is ready. */
  place(): void {
    for (const { ledger } of this.#resources.values()) ledger.place();
  }

  exited(instance: SimulatedInstance): void {
    const calls = this.#calls.get(instance) ?? new Set();
    this.#calls.delete(instance);
    for (const fail of calls) fail();
    for (const { ledger } of this.#resources.values()) ledger.exited(instance);
  }

  /** Regular work: gives back idle resources or, when the host drains, all of them. */
  tick(isDraining: boolean): void {
    const now = this.#host.world.trueMs;
    for (const hosted of this.#resources.values()) {
      hosted.ledger.closeIdle(now, isDraining ? 0 : IDLE_MS);
    }
  }

  hostsSeen(hosts: readonly HostRow[]): void {
    for (const hosted of this.#resources.values()) {
      hosted.ownership = afterHostsSeen(hosted.ownership, hosts);
    }
  }

  /** The incarnation is over, and all of its owners are dead. Claims and releases in flight still get their answers. */
  incarnationOver(): void {
    for (const { ledger } of this.#resources.values()) ledger.hostLost();
  }

  /** The database's rows of this incarnation. */
  listed(incarnation: number, rows: readonly OwnedRow[]): void {
    for (const { resource, epoch } of rowsToRelease(rows, (name) => this.ownershipOf(name))) {
      this.#host.release(resource, { incarnation, epoch }, () => {});
    }
  }

  #hosted(resource: string): Hosted {
    const earlier = this.#resources.get(resource);
    if (earlier !== undefined) return earlier;
    const hosted: Hosted = {
      ownership: { kind: "unknown" },
      ledger: new ResourceLedger<SimulatedInstance, HostCall>({
        claim: () => {
          this.#claim(resource, hosted);
          return undefined;
        },
        release: (_, epoch) => this.#release(resource, hosted, epoch),
        choose: () => this.#host.anyInstance(),
        open: (_, owner, epoch) => this.#open(resource, hosted, { owner, epoch }),
        close: (_, owner, epoch) => this.#close(resource, hosted, { owner, epoch }),
        dispatch: (calls, owner) => {
          for (const call of calls) this.#send(resource, hosted, { call, owner });
        },
        refuse: (calls) => {
          for (const call of calls) end(call, "unavailable");
        },
      }),
    };
    this.#resources.set(resource, hosted);
    return hosted;
  }

  #keep({ ledger, ownership }: Hosted, call: HostCall): void {
    const owner = ownership.kind === "owned" ? ledger.ownerOf(call.resource) : undefined;
    if (owner === undefined) ledger.wait(call, this.#host.world.trueMs);
    else this.#send(call.resource, this.#hosted(call.resource), { call, owner });
  }

  #claim(resource: string, hosted: Hosted): void {
    const host = this.#host;
    const { incarnation, world } = host;
    if (host.right !== "own") throw new LeverError("resource_unavailable", "There is no lease.");
    hosted.ownership = { kind: "claiming", incarnation };
    host.ask(
      CLAIM_TIMEOUT_MS,
      (database) => database.claim(resource, { host: host.name, incarnation }),
      (answer: ClaimAnswer = { kind: "unknown" }) => {
        const after = world.rules.afterClaim({ incarnation }, answer, {
          lease: host.lease,
          now: host.machine.moment(),
        });
        if (after.kind === "releasing") this.#giveBack(resource, hosted, after);
        else this.#become(resource, hosted, after);
      },
    );
    world.faults?.onSent(host, "claim");
  }

  /** Calls that waited for the change are decided again. */
  #become(resource: string, hosted: Hosted, ownership: Ownership): void {
    hosted.ownership = ownership;
    if (ownership.kind === "owned") {
      hosted.ledger.claimed(resource, ownership.epoch);
      return;
    }
    for (const call of hosted.ledger.notOwned(resource)) {
      call.hasWaited = true;
      if (ownership.kind === "unknown") this.#host.timer(20, () => this.take(call));
      else this.take(call);
    }
  }

  #forget(hosted: Hosted, host: string): void {
    const { ownership } = hosted;
    if (ownership.kind === "elsewhere" && ownership.host === host) {
      hosted.ownership = { kind: "unknown" };
    }
  }

  #passed(call: HostCall, to: string, outcome: CallOutcome): void {
    if (call.isOver) return;
    if (outcome.kind === "ended") {
      end(call, outcome.code);
      return;
    }
    const hosted = this.#hosted(call.resource);
    this.#forget(hosted, to);
    call.redirects++;
    if (outcome.owner !== undefined && hosted.ownership.kind === "unknown") {
      const { host, incarnation } = outcome.owner;
      if (host !== this.#host.name) hosted.ownership = { kind: "elsewhere", host, incarnation };
    }
    this.take(call);
  }

  /** The ledger gives the resource back. True = the incarnation that owned it is over. */
  #release(resource: string, hosted: Hosted, epoch: number): boolean {
    const { incarnation, isMember } = this.#host;
    const { ownership } = hosted;
    if (ownership.kind !== "owned" || ownership.incarnation !== incarnation || !isMember) {
      hosted.ownership = { kind: "unknown" };
      return true;
    }
    this.#giveBack(resource, hosted, { incarnation, epoch });
    return false;
  }

  #giveBack(
    resource: string,
    hosted: Hosted,
    { incarnation, epoch }: { readonly incarnation: number; readonly epoch: number },
  ): void {
    hosted.ownership = { kind: "releasing", incarnation, epoch };
    this.#host.release(resource, { incarnation, epoch }, () => {
      this.#become(resource, hosted, { kind: "unknown" });
    });
  }

  /** Before the first function runs, the keeper has the owner, and the owner has the end of the lease. */
  #open(resource: string, hosted: Hosted, { owner, epoch }: OwnerAndEpoch): void {
    const host = this.#host;
    owner.isOwner = true;
    host.keep(owner, () => {
      host.tellEnd(owner);
      this.#hook("newResource", { resource, owner, epoch }, () => {
        hosted.ledger.opened(resource, epoch);
      });
    });
  }

  #close(resource: string, hosted: Hosted, { owner, epoch }: OwnerAndEpoch): void {
    this.#hook("closeResource", { resource, owner, epoch }, () => {
      hosted.ledger.closed(resource, epoch);
      if (!this.isOwner(owner)) this.#host.unkeep(owner);
    });
  }

  /** An instance whose hook fails is killed, which ends its ownership. */
  #hook(
    name: InstanceFunction,
    { resource, owner, epoch }: OwnerAndEpoch & { readonly resource: string },
    onDone: () => void,
  ): void {
    const host = this.#host;
    let isOver = false;
    host.timer(HOOK_TIMEOUT_MS, () => {
      if (!isOver) owner.kill();
    });
    const ms = 1 + host.world.random() * 30;
    const answer = (isAnswered: boolean): void => {
      host.receiveLocally(() => {
        isOver = true;
        if (isAnswered) onDone();
        else owner.kill();
      });
    };
    owner.receiveLocally(() => owner.call({ name, resource, epoch, ms, answer }));
  }

  #send(
    resource: string,
    { ledger }: Hosted,
    { call, owner }: { readonly call: HostCall; readonly owner: SimulatedInstance },
  ): void {
    const host = this.#host;
    const epoch = ledger.begin(resource, false);
    const calls = this.#calls.get(owner) ?? new Set();
    this.#calls.set(owner, calls);
    const over = (code: string): void => {
      if (!calls.delete(fail)) return;
      end(call, code);
      ledger.end(resource, epoch, { isStream: false, now: host.world.trueMs });
    };
    const fail = (): void => over("instance_failed");
    calls.add(fail);
    const { ms } = call.call;
    const answer = (isAnswered: boolean): void => {
      host.receiveLocally(() => over(isAnswered ? "ok" : "unavailable"));
    };
    owner.receiveLocally(() => owner.call({ name: "method", resource, epoch, ms, answer }));
  }
}

interface OwnerAndEpoch {
  readonly owner: SimulatedInstance;
  readonly epoch: number;
}

function end(call: HostCall, code: string): void {
  finish(call, { kind: "ended", code });
}

function finish(call: HostCall, outcome: CallOutcome): void {
  if (call.isOver) return;
  call.isOver = true;
  call.onOutcome(outcome);
}
