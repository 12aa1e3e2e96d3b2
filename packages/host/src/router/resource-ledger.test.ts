import { LeverError } from "@leveros/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { ResourceLedger } from "./resource-ledger.ts";

interface Waiter {
  readonly resource: string;
}

const [a, b] = [{ name: "a" }, { name: "b" }];
let ledger: ResourceLedger<{ name: string }, Waiter>;
let there: { name: string }[];
let done: string[];
let epoch: number;

beforeEach(() => {
  there = [];
  done = [];
  epoch = 0;
  ledger = new ResourceLedger({
    claim: () => ++epoch,
    release: () => true,
    choose: () => there[0],
    open: (resource, owner, of) => done.push(`open ${resource} ${owner.name} ${of}`),
    close: (resource, owner, of) => done.push(`close ${resource} ${owner.name} ${of}`),
    dispatch: (waiting, owner) => done.push(`dispatch ${waiting.length} ${owner.name}`),
    refuse: (waiting, error) => done.push(`refuse ${waiting.length} ${error.code}`),
  });
});

/** The actions since the last call of this function. */
const news = (): string[] => done.splice(0);

/** A resource that is open on `a` with epoch 1, and one call in flight. */
function openOnA(isStream = false): void {
  there = [a];
  ledger.wait({ resource: "r" }, 0);
  ledger.opened("r", 1);
  expect(news()).toEqual(["open r a 1", "dispatch 1 a"]);
  expect(ledger.begin("r", isStream)).toBe(1);
}

describe("a resource", () => {
  it("is placed by the first call, and others wait until it is open", () => {
    ledger.wait({ resource: "r" }, 0);
    expect(news()).toEqual([]);
    there = [a];
    ledger.place();
    ledger.wait({ resource: "r" }, 0);
    expect(ledger.ownerOf("r")).toBeUndefined();
    ledger.opened("r", 1);
    expect(news()).toEqual(["open r a 1", "dispatch 2 a"]);
    expect(ledger.ownerOf("r")).toBe(a);
    expect(ledger.ownedBy(a)).toBe(1);
  });

  it("is closed when nobody has used it for a while", () => {
    openOnA();
    ledger.closeIdle(1_000, 100);
    expect(news()).toEqual([]);
    ledger.end("r", 1, { isStream: false, now: 1_000 });
    ledger.closeIdle(1_099, 100);
    expect(news()).toEqual([]);
    ledger.closeIdle(1_100, 100);
    expect(news()).toEqual(["close r a 1"]);
    ledger.closed("r", 1);
    expect([ledger.size, ledger.ownedBy(a)]).toEqual([0, 0]);
  });

  it("moves from a leaving instance when its calls are over, and is closed there first (O1, O2)", () => {
    openOnA();
    there = [b];
    ledger.drain(a);
    ledger.wait({ resource: "r" }, 0);
    expect(news()).toEqual([]);
    ledger.end("r", 1, { isStream: false, now: 0 });
    expect(news()).toEqual(["close r a 1"]);
    ledger.closed("r", 1);
    expect(news()).toEqual(["open r b 2"]);
    ledger.opened("r", 2);
    expect(news()).toEqual(["dispatch 1 b"]);
  });

  it("stays with its open streams, and so do those that join them", () => {
    openOnA(true);
    there = [b];
    ledger.drain(a);
    expect(ledger.ownerOf("r")).toBe(a);
    ledger.begin("r", false);
    ledger.end("r", 1, { isStream: true, now: 0 });
    expect(ledger.ownerOf("r")).toBeUndefined();
    expect(news()).toEqual([]);
    ledger.end("r", 1, { isStream: false, now: 0 });
    expect(news()).toEqual(["close r a 1"]);
  });

  it("stays where it is when the instance stays after all", () => {
    openOnA();
    ledger.drain(a);
    ledger.wait({ resource: "r" }, 0);
    ledger.stay(a);
    expect(news()).toEqual(["dispatch 1 a"]);
    expect(ledger.ownerOf("r")).toBe(a);
  });

  it("gets another owner only when an instance that ends is gone", () => {
    openOnA();
    there = [b];
    ledger.stopping(a);
    ledger.wait({ resource: "r" }, 0);
    ledger.end("r", 1, { isStream: false, now: 0 });
    expect(news()).toEqual([]);
    ledger.exited(a);
    expect(news()).toEqual(["open r b 2"]);
  });

  it("does not count calls of an earlier ownership", () => {
    openOnA();
    there = [b];
    ledger.wait({ resource: "r" }, 0);
    ledger.exited(a);
    ledger.opened("r", 2);
    ledger.begin("r", false);
    ledger.end("r", 1, { isStream: false, now: 0 });
    news();
    ledger.drain(b);
    expect(news()).toEqual([]);
    ledger.end("r", 2, { isStream: false, now: 0 });
    expect(news()).toEqual(["close r b 2"]);
  });

  it("that cannot be opened fails its calls, and is closed first when it may be open all the same", () => {
    there = [a];
    const error = new LeverError("resource_failed", "no");
    ledger.wait({ resource: "r" }, 0);
    ledger.failed("r", 1, { error, isOutcomeUnknown: false });
    expect(news()).toEqual(["open r a 1", "refuse 1 resource_failed"]);
    expect(ledger.size).toBe(0);
    ledger.wait({ resource: "r" }, 0);
    ledger.failed("r", 2, { error, isOutcomeUnknown: true });
    ledger.wait({ resource: "r" }, 0);
    expect(news()).toEqual(["open r a 2", "close r a 2", "refuse 1 resource_failed"]);
    ledger.closed("r", 2);
    expect(news()).toEqual(["open r a 3"]);
  });

  it("fails its calls when the instance that opens it fails by itself, and not when it was stopped", () => {
    const failure = new LeverError("instance_failed", "no");
    there = [a];
    ledger.wait({ resource: "r" }, 0);
    ledger.stopping(a);
    there = [b];
    ledger.exited(a, failure);
    expect(news()).toEqual(["open r a 1", "refuse 1 instance_failed"]);
    there = [a];
    ledger.wait({ resource: "r" }, 0);
    ledger.stopping(a);
    there = [b];
    ledger.exited(a);
    expect(news()).toEqual(["open r a 2", "open r b 3"]);
  });

  it("is forgotten when the last call that waited for it has left", () => {
    const waiter = { resource: "r" };
    ledger.wait(waiter, 0);
    expect(ledger.leave(waiter)).toBe(true);
    expect(ledger.leave(waiter)).toBe(false);
    expect(ledger.size).toBe(0);
    ledger.wait(waiter, 0);
    ledger.refuseWaiting(new LeverError("start_failed", "no"));
    expect(news()).toEqual(["refuse 1 start_failed"]);
    expect(ledger.size).toBe(0);
  });
});

describe("a resource with a call in flight", () => {
  it.each([
    ["a call", false],
    ["a stream", true],
  ])("a resource with %s is not idle", (_, isStream) => {
    openOnA(isStream);
    ledger.closeIdle(1_000_000, 100);
    expect(news()).toEqual([]);
    ledger.end("r", 1, { isStream, now: 1_000_000 });
    ledger.closeIdle(2_000_000, 100);
    expect(news()).toEqual(["close r a 1"]);
  });

  it.each([
    ["its calls", false],
    ["its streams", true],
  ])("a resource stays on a draining instance until all of %s have ended", (_, isStream) => {
    openOnA(isStream);
    ledger.begin("r", isStream);
    ledger.drain(a);
    ledger.end("r", 1, { isStream, now: 0 });
    expect(news()).toEqual([]);
    ledger.end("r", 1, { isStream, now: 0 });
    expect(news()).toEqual(["close r a 1"]);
  });

  it("a resource has no calls when its next ownership begins", () => {
    openOnA();
    ledger.begin("r", true);
    ledger.wait({ resource: "r" }, 0);
    there = [b];
    ledger.exited(a);
    ledger.opened("r", 2);
    news();
    ledger.closeIdle(1_000, 100);
    expect(news()).toEqual(["close r b 2"]);
  });
});

describe("a draining instance", () => {
  it("a draining instance closes an idle resource at once", () => {
    openOnA();
    ledger.end("r", 1, { isStream: false, now: 0 });
    ledger.drain(a);
    expect(news()).toEqual(["close r a 1"]);
  });

  it("a resource that opens on a draining instance moves on with its calls", () => {
    there = [a];
    ledger.wait({ resource: "r" }, 0);
    ledger.drain(a);
    there = [b];
    ledger.opened("r", 1);
    expect(news()).toEqual(["open r a 1", "close r a 1"]);
    ledger.closed("r", 1);
    ledger.opened("r", 2);
    expect(news()).toEqual(["open r b 2", "dispatch 1 b"]);
  });
});

describe("an owner that does not answer", () => {
  it("an owner that does not answer gets no calls until it answers", () => {
    openOnA();
    ledger.pause(a);
    expect(ledger.ownerOf("r")).toBeUndefined();
    ledger.wait({ resource: "r" }, 0);
    expect(news()).toEqual([]);
    ledger.stay(a);
    expect(news()).toEqual(["dispatch 1 a"]);
    expect(ledger.ownerOf("r")).toBe(a);
  });

  it("a resource that opens on it keeps its calls until it answers", () => {
    there = [a];
    ledger.wait({ resource: "r" }, 0);
    ledger.pause(a);
    ledger.opened("r", 1);
    expect(news()).toEqual(["open r a 1"]);
    ledger.recover(a);
    expect(news()).toEqual(["dispatch 1 a"]);
  });

  it("a draining owner that answers again gets the calls that join its streams", () => {
    openOnA(true);
    ledger.drain(a);
    ledger.pause(a);
    ledger.wait({ resource: "r" }, 0);
    ledger.recover(a);
    expect(news()).toEqual(["dispatch 1 a"]);
    ledger.end("r", 1, { isStream: true, now: 0 });
    expect(news()).toEqual(["close r a 1"]);
  });
});

describe("an instance that has exited", () => {
  it.each<[string, () => void]>([
    ["owned a resource", () => {}],
    ["was draining", () => ledger.drain(a)],
    ["did not answer", () => ledger.pause(a)],
    ["was stopping", () => ledger.stopping(a)],
  ])("an instance that %s leaves nothing in the ledger", (_, before) => {
    openOnA();
    before();
    there = [];
    ledger.exited(a);
    expect([ledger.remembers(a), ledger.ownedBy(a), ledger.size]).toEqual([false, 0, 0]);
  });
});
