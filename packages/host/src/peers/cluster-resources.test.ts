import { ignoredEvents, type LinkedSide } from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../../../tests/harness/eventually.ts";
import {
  answer,
  PeerCluster,
  type PeerHost,
  type TestCall,
} from "../../../../tests/harness/peer-hosts.ts";
import { makeTemporaryFolder } from "../../../../tests/harness/temporary-folder.ts";

let cluster: PeerCluster;
let a: PeerHost;
let b: PeerHost;

beforeEach(async () => {
  cluster = new PeerCluster(await makeTemporaryFolder());
  a = await cluster.add("a");
  b = await cluster.add("b");
});

afterEach(async () => {
  await cluster[Symbol.asyncDispose]();
});

const callR = (host: PeerHost): TestCall => host.call({ resource: "r" });

/** The name of the host whose instance has answered; or the error. */
async function answerOf(call: TestCall): Promise<string> {
  const ending = await call.ending;
  return ending === "end" ? (JSON.parse(call.got[0] ?? "[]")[0] as string) : ending;
}

/** Each host has an instance, and knows of the other's. */
async function instancesOnBoth(): Promise<void> {
  a.addInstance(answer("a"));
  b.addInstance(answer("b"));
  await Promise.all([a.knows(b, 10), b.knows(a, 10)]);
}

describe("a resource without an owner", () => {
  it("is claimed by the host of the first call if that has an instance", async () => {
    await instancesOnBoth();
    expect(await answerOf(callR(a))).toBe("a");
    expect(await answerOf(callR(a))).toBe("a");
    expect(cluster.asked).toEqual(["claim r a"]);
  });

  it("is placed on a host with an instance if this one has none", async () => {
    b.addInstance(answer("b"));
    await a.knows(b, 10);
    expect(await answerOf(callR(a))).toBe("b");
    expect(cluster.asked).toEqual(["claim r b"]);
  });

  it("is placed on no host that does not renew its lease any more", async () => {
    b.addInstance(answer("b"));
    await a.knows(b, 10);
    b.right = "none";
    cluster.silence("b");
    const call = callR(a);
    expect([call.got, a.demands]).toEqual([[], 1]);
    a.addInstance(answer("a"));
    expect(await answerOf(call)).toBe("a");
    expect(await answerOf(callR(b))).toBe("a");
  });

  it("waits for an instance on the host of the call if there is none anywhere", async () => {
    const call = callR(a);
    expect([a.demands, a.route.callsWaiting, cluster.asked]).toEqual([1, 1, []]);
    a.addInstance(answer("a"));
    expect(await answerOf(call)).toBe("a");
  });

  it("has one owner, whichever hosts are called first at the same time", async () => {
    await instancesOnBoth();
    const calls = [a, b, a, b].map(callR);
    const owners = new Set(await Promise.all(calls.map(answerOf)));
    expect(owners.size).toBe(1);
    expect(cluster.owners.get("r")?.host).toBe([...owners][0]);
  });
});

describe("a resource with an owner", () => {
  it("gets the calls of every host there, without another question to the database", async () => {
    await instancesOnBoth();
    await answerOf(callR(b));
    expect(await answerOf(callR(a))).toBe("b");
    const asked = cluster.asked.length;
    expect(await answerOf(callR(a))).toBe("b");
    expect(cluster.asked.length).toBe(asked);
  });

  it("moves when its owner has given it back, and the old owner declines", async () => {
    await instancesOnBoth();
    await answerOf(callR(b));
    await answerOf(callR(a));
    // The owner has no calls of it any more, and gives it back.
    b.route.drain(instanceOf(b));
    await eventually(() => cluster.owners.get("r")?.isReleased);
    expect(await answerOf(callR(a))).toBe("a");
    expect(await answerOf(callR(b))).toBe("a");
    expect(cluster.owners.get("r")?.epoch).toBe(2);
  });

  it("streams to it, with early messages, through a redirect", async () => {
    await instancesOnBoth();
    await answerOf(callR(b));
    await answerOf(callR(a));
    b.route.drain(instanceOf(b));
    await eventually(() => cluster.owners.get("r")?.isReleased);
    const stream = a.call({ resource: "r", method: "talkChan", isStream: true });
    stream.handle.send(0, new TextEncoder().encode("1"));
    stream.handle.end();
    expect(await answerOf(stream)).toBe("a");
  });

  it("keeps its calls waiting while the owner's host cannot be reached, until that is over", async () => {
    await instancesOnBoth();
    await answerOf(callR(b));
    await answerOf(callR(a));
    b.peers.close();
    await eventually(() => a.peers.peer("b")?.isUp === false);
    const call = callR(a);
    await eventually(() => a.route.callsWaiting === 1);
    cluster.see();
    expect([call.got, a.route.callsWaiting]).toEqual([[], 1]);
    cluster.fence("b");
    expect(await answerOf(call)).toBe("a");
    expect(cluster.owners.get("r")?.epoch).toBe(2);
  });
});

it("a host that is cut off from the owner of a resource refuses its calls after a while", async () => {
  await instancesOnBoth();
  await answerOf(callR(b));
  await answerOf(callR(a));
  b.peers.close();
  await eventually(() => a.peers.peer("b")?.isUp === false);
  const call = callR(a);
  await eventually(() => a.route.callsWaiting === 1);
  a.waits.advance(12_201);
  cluster.see();
  const refused =
    "resource_unavailable: Cannot call the resource r: this host cannot reach the one that owns it.";
  expect(await answerOf(call)).toBe(refused);
  expect(await answerOf(callR(a))).toBe(refused);
});

describe("a host whose lease is about to end", () => {
  it("refuses calls of the resources that it owns, and claims none", async () => {
    a.addInstance(answer("a"));
    await answerOf(callR(a));
    a.right = "finish";
    expect(await answerOf(callR(a))).toMatch(/^resource_unavailable: Cannot call the resource r:/);
    const other = a.call({ resource: "s" });
    await a.knows(b);
    expect(await other.ending).toMatch(/^resource_unavailable|^end/);
    expect(cluster.asked.filter((asked) => asked.endsWith(" a"))).toEqual(["claim r a"]);
  });

  it("passes calls of other resources on to hosts that may own them", async () => {
    await instancesOnBoth();
    a.right = "none";
    expect(await answerOf(callR(a))).toBe("b");
  });
});

describe("while the database does not answer", () => {
  it("a new resource is refused with a time to come again, and calls of others go on", async () => {
    await instancesOnBoth();
    await answerOf(callR(b));
    await answerOf(callR(a));
    cluster.isDatabaseDown = true;
    const refused = a.call({ resource: "new" });
    expect(await answerOf(refused)).toBe(
      "resource_unavailable: Cannot call the resource new: the cluster's database does not answer.",
    );
    expect(await answerOf(callR(a))).toBe("b");
    expect(await answerOf(a.call())).toBe("a");
    cluster.isDatabaseDown = false;
    expect(await answerOf(a.call({ resource: "new" }))).toBe("a");
  });

  it("a claim whose answer was lost gives its resource back, and another host may own it", async () => {
    await instancesOnBoth();
    cluster.losesAnswers = true;
    expect(await answerOf(callR(a))).toMatch(/^resource_unavailable: .* does not answer\.$/);
    cluster.losesAnswers = false;
    expect(cluster.owners.get("r")).toMatchObject({ host: "a", isReleased: false });
    await a.owners.releaseUnknown(() => a.route);
    expect(await answerOf(callR(b))).toBe("b");
    expect(cluster.owners.get("r")?.epoch).toBe(2);
  });

  it("rows that nobody knows are given back later", async () => {
    await instancesOnBoth();
    await answerOf(callR(a));
    cluster.isDatabaseDown = true;
    a.route.drain(instanceOf(a));
    await eventually(() => a.route.resources === 0);
    expect([a.owners.held, cluster.owners.get("r")?.isReleased]).toEqual([0, false]);
    cluster.isDatabaseDown = false;
    await a.owners.releaseUnknown(() => a.route);
    expect(cluster.owners.get("r")?.isReleased).toBe(true);
  });

  it("rows of resources that are in use are not given back", async () => {
    await instancesOnBoth();
    await answerOf(callR(a));
    await a.owners.releaseUnknown(() => a.route);
    expect(cluster.owners.get("r")?.isReleased).toBe(false);
  });
});

describe("a host that drains", () => {
  it("gives its resources back, and passes their calls on", async () => {
    await instancesOnBoth();
    await answerOf(callR(a));
    expect(await answerOf(callR(b))).toBe("a");
    a.drain();
    expect(await Promise.all([a, b].map((host) => answerOf(callR(host))))).toEqual(["b", "b"]);
    expect([a.owners.held, cluster.owners.get("r")?.host]).toEqual([0, "b"]);
  });

  it("passes calls on that wait for an instance, which another host then starts", async () => {
    await Promise.all([a.knows(b), b.knows(a)]);
    const calls = [a.call(), callR(a)];
    expect(a.route.callsWaiting).toBe(2);
    await eventually(() => a.peers.peer("b")?.isTaking);
    a.drain();
    calls.push(a.call());
    await eventually(() => b.route.callsWaiting === 3);
    expect([a.route.callsWaiting, b.demands]).toEqual([0, 3]);
    b.addInstance(answer("b"));
    expect(await Promise.all(calls.map(answerOf))).toEqual(["b", "b", "b"]);
  });

  it("gives back a resource that was claimed when it began to drain", async () => {
    await instancesOnBoth();
    const call = callR(a);
    a.drain();
    expect(await answerOf(call)).toBe("b");
    expect(cluster.asked).toEqual(["claim r a", "release r a", "claim r b"]);
  });

  it("gives the calls back that other hosts have passed on", async () => {
    await instancesOnBoth();
    a.drain();
    b.drain();
    await eventually(() => a.peers.peer("b")?.isTaking === false);
    expect(await answerOf(a.call())).toBe(
      "unavailable: Cannot take the call: this host drains, and no other host takes it.",
    );
    expect(await answerOf(callR(a))).toMatch(/^resource_unavailable: /);
    b.owners.isDraining = false;
    b.peers.take(true);
    await eventually(() => a.peers.peer("b")?.isTaking);
    const call = a.call();
    await eventually(() => b.route.callsWaiting === 1);
    b.drain();
    expect(await answerOf(call)).toMatch(/^unavailable: /);
  });
});

it("a host counts the resources that it holds until they are given back", async () => {
  const held: LinkedSide[] = [];
  a.addInstance((_request, side) => {
    held.push(side);
    return ignoredEvents;
  });
  callR(a);
  await eventually(() => held.length === 1);
  expect(a.owners.held).toBe(1);
  a.route.drain(instanceOf(a));
  held[0]?.end();
  await eventually(() => a.owners.held === 0);
  expect(cluster.owners.get("r")?.isReleased).toBe(true);
});

function instanceOf(host: PeerHost): (typeof host.instances)[number] {
  const [instance] = host.instances;
  if (instance === undefined) throw new Error("The host has no instance.");
  return instance;
}
