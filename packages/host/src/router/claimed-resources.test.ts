import { LeverError } from "@leveros/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { ResourceLedger } from "./resource-ledger.ts";

interface Waiter {
  readonly resource: string;
  readonly name: string;
}

const a = { name: "a" };
let ledger: ResourceLedger<{ name: string }, Waiter>;
let there: { name: string }[];
let done: string[];
let isOver: boolean;
let refusal: LeverError | undefined;

beforeEach(() => {
  there = [a];
  done = [];
  isOver = false;
  refusal = undefined;
  ledger = new ResourceLedger({
    claim(resource) {
      done.push(`claim ${resource}`);
      if (refusal !== undefined) throw refusal;
      return undefined;
    },
    release(resource, epoch, owner) {
      done.push(`release ${resource} ${epoch} ${owner?.name}`);
      return isOver;
    },
    choose: () => there[0],
    open: (resource, owner, epoch) => done.push(`open ${resource} ${owner.name} ${epoch}`),
    close: (resource, owner, epoch) => done.push(`close ${resource} ${owner.name} ${epoch}`),
    dispatch: (waiting, owner) => done.push(`dispatch ${waiting.length} ${owner.name}`),
    refuse: (waiting, error) => done.push(`refuse ${waiting.length} ${error.code}`),
  });
});

/** The actions since the last call of this function. */
const news = (): string[] => done.splice(0);

const call = (name = "first"): Waiter => ({ resource: "r", name });

/** A resource that is open on `a` with epoch 7 and has no call. */
function openOnA(): void {
  ledger.wait(call(), 0);
  ledger.claimed("r", 7);
  ledger.opened("r", 7);
  ledger.begin("r", false);
  ledger.end("r", 7, { isStream: false, now: 0 });
  news();
}

describe("a resource that hosts claim", () => {
  it("is claimed when an instance can take it, and opens when the claim is granted", () => {
    there = [];
    ledger.wait(call(), 0);
    expect(news()).toEqual([]);
    there = [a];
    ledger.place();
    expect(news()).toEqual(["claim r"]);
    expect(ledger.ownership("r")?.phase).toBe("claiming");
    ledger.wait(call("second"), 0);
    ledger.place();
    expect(news()).toEqual([]);
    ledger.claimed("r", 7);
    expect(news()).toEqual(["open r a 7"]);
  });

  it("returns the waiting calls when the claim is refused", () => {
    const waiting = [call(), call("second")];
    for (const one of waiting) ledger.wait(one, 0);
    expect(ledger.notOwned("r")).toEqual(waiting);
    expect(ledger.size).toBe(0);
    ledger.claimed("r", 7);
    expect([ledger.size, news()]).toEqual([0, ["claim r"]]);
  });

  it("refuses its calls when the host may claim nothing", () => {
    refusal = new LeverError("resource_unavailable", "There is no lease.");
    ledger.wait(call(), 0);
    expect(news()).toEqual(["claim r", "refuse 1 resource_unavailable"]);
    expect(ledger.size).toBe(0);
  });

  it("waits for another instance when the one it was claimed for is gone", () => {
    ledger.wait(call(), 0);
    there = [];
    ledger.claimed("r", 7);
    expect([ledger.ownership("r")?.phase, news()]).toEqual(["claimed", ["claim r"]]);
    there = [a];
    ledger.place();
    expect(news()).toEqual(["open r a 7"]);
  });

  it("is given back when no call waits for it any more", () => {
    const waiter = call();
    ledger.wait(waiter, 0);
    ledger.leave(waiter);
    ledger.claimed("r", 7);
    expect(news()).toEqual(["claim r", "release r 7 undefined"]);
    expect(ledger.ownership("r")?.phase).toBe("releasing");
    expect([ledger.notOwned("r"), ledger.size]).toEqual([[], 0]);
  });

  it("is given back when the last call leaves before an instance takes it", () => {
    const waiter = call();
    ledger.wait(waiter, 0);
    there = [];
    ledger.claimed("r", 7);
    ledger.leave(waiter);
    expect(news()).toEqual(["claim r", "release r 7 undefined"]);
  });

  it("is closed before it is given back, and calls wait for both", () => {
    openOnA();
    ledger.closeIdle(1_000, 100);
    expect(news()).toEqual(["close r a 7"]);
    const late = call("late");
    ledger.wait(late, 1_000);
    ledger.closed("r", 7);
    expect(news()).toEqual(["release r 7 a"]);
    const later = call("later");
    ledger.wait(later, 1_000);
    expect([ledger.ownedBy(a), news()]).toEqual([0, []]);
    expect(ledger.notOwned("r")).toEqual([late, later]);
  });

  it("is claimed again at once when its host has lost it with an instance", () => {
    openOnA();
    isOver = true;
    ledger.stopping(a);
    ledger.wait(call("late"), 0);
    ledger.exited(a);
    expect(news()).toEqual(["release r 7 a", "claim r"]);
  });

  it("is not kept by an owner that has it", () => {
    openOnA();
    expect([ledger.notOwned("r"), ledger.ownerOf("r")]).toEqual([[], a]);
  });

  it("is lost with the lease of its host when no instance has it yet", () => {
    ledger.wait(call(), 0);
    there = [];
    ledger.claimed("r", 7);
    isOver = true;
    news();
    ledger.hostLost();
    expect([ledger.ownership("r")?.phase, news()]).toEqual(["unplaced", ["release r 7 undefined"]]);
  });

  it("keeps calls for an owner on another host until they are decided again", () => {
    const waiting = [call(), call("second")];
    for (const one of waiting) ledger.park(one, 0);
    ledger.place();
    expect([ledger.parked, news()]).toEqual([["r"], []]);
    expect(ledger.notOwned("r")).toEqual(waiting);
    expect([ledger.parked, ledger.size]).toEqual([[], 0]);
  });

  it("forgets an owner on another host when no call waits for it", () => {
    const waiter = call();
    ledger.park(waiter, 0);
    expect([ledger.leave(waiter), ledger.size]).toEqual([true, 0]);
  });
});
