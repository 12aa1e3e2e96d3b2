// One file, although long: the tests share two linked hosts.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { ignoredEvents, type LinkedSide, PAYLOAD_JSON } from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../../../tests/harness/eventually.ts";
import { answer, json, PeerCluster, type PeerHost } from "../../../../tests/harness/peer-hosts.ts";
import { makeTemporaryFolder } from "../../../../tests/harness/temporary-folder.ts";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import type { ChainLink } from "../router/chain-link.ts";

let cluster: PeerCluster;
let a: PeerHost;
let b: PeerHost;

beforeEach(async () => {
  cluster = new PeerCluster(await makeTemporaryFolder());
});

afterEach(async () => {
  await cluster[Symbol.asyncDispose]();
});

/** Two hosts, of which `b` has an instance. */
async function twoHosts(serve = answer("b"), places = 10): Promise<void> {
  a = await cluster.add("a");
  b = await cluster.add("b");
  b.addInstance(serve, places);
  await a.knows(b, places);
}

describe("a call without an instance here", () => {
  it("is passed on to a host with a free place, with its caller and its arguments", async () => {
    await twoHosts();
    const caller = { kind: "service", environment: "dev.lever", service: "front" } as const;
    const call = a.call({ caller, body: json([1]) });
    expect(await call.ending).toBe("end");
    expect(call.got).toEqual([JSON.stringify(["b", caller, [1]]), "end"]);
    expect(a.demands).toBe(0);
  });

  it("is passed on by the host that was dialled, too", async () => {
    a = await cluster.add("a");
    b = await cluster.add("b");
    a.addInstance(answer("a"));
    await b.knows(a, 10);
    const call = b.call();
    await call.ending;
    expect(call.got[0]).toContain('["a",');
  });

  it("keeps a body of many frames", async () => {
    await twoHosts();
    const text = "x".repeat(1_000_000);
    const call = a.call({ body: json([text]) });
    await call.ending;
    expect(call.got[0]?.length).toBeGreaterThan(1_000_000);
  });

  it("stays on this host when an instance is here", async () => {
    await twoHosts();
    a.addInstance(answer("a"));
    const call = a.call();
    await call.ending;
    expect(call.got[0]).toContain('["a",');
  });

  it("waits here, and raises demand, when no host has a place for it", async () => {
    const held: LinkedSide[] = [];
    await twoHosts((_request, side) => {
      held.push(side);
      return ignoredEvents;
    }, 1);
    const first = a.call();
    const second = a.call();
    expect([a.demands, a.route.callsWaiting]).toEqual([1, 1]);
    // The place is told as free when the first call has ended, and the one that waits gets it.
    for (const call of [first, second]) {
      const side = await eventually(() => held.shift());
      side.send(PAYLOAD_JSON, json("done"), true);
      expect(await call.ending).toBe("end");
    }
    expect(a.route.callsWaiting).toBe(0);
  });

  it("comes back when the other host has no place any more, and nothing of it has run", async () => {
    let calls = 0;
    await twoHosts((_request) => {
      calls++;
      return ignoredEvents;
    }, 1);
    // A call of the other host's own takes the place, of which this host has not been told.
    b.call();
    const call = a.call();
    await eventually(() => a.route.callsWaiting === 1);
    expect([call.got, calls]).toEqual([[], 1]);
    a.addInstance(answer("a"));
    expect(await call.ending).toBe("end");
  });

  it("ends at its deadline on both hosts", async () => {
    let ended = "";
    await twoHosts(() => ({
      ...ignoredEvents,
      onAbort: ({ code }) => {
        ended = code;
      },
    }));
    const call = a.call({ timeoutMs: 50 });
    expect(await call.ending).toContain("deadline_exceeded: Cannot finish the call of svc/method");
    await eventually(() => ended !== "");
  });

  it("is declined by a host that drains", async () => {
    await twoHosts();
    b.drain();
    const call = a.call();
    await eventually(() => a.route.callsWaiting === 1);
    expect(call.got).toEqual([]);
    await a.knows(b);
    await eventually(() => a.peers.peer("b")?.placesOf("dev.lever/svc") === undefined);
  });

  it("keeps its depth in a chain, so that no chain over hosts is without an end", async () => {
    await twoHosts();
    // The other host allows fewer calls in a chain, so that its refusal is seen.
    const shallow = await cluster.add("c", { callDepthMax: 3 });
    shallow.addInstance(answer("c"));
    await b.knows(shallow, 10);
    b.router.removeService("dev.lever", "svc");
    await a.knows(shallow, 10);
    await eventually(() => a.peers.peer("b")?.placesOf("dev.lever/svc") === undefined);
    const endings = [2, 3].map((depth) => a.call({ parentCall: chainOf(depth) }).ending);
    const [fits, tooDeep] = await Promise.all(endings);
    expect(fits).toBe("end");
    expect(tooDeep).toMatch(/^overloaded: Cannot call svc\/method: it is the last of 4 calls/);
  });
});

describe("a stream to another host", () => {
  it("keeps the order of messages in both directions, and half-closes", async () => {
    await twoHosts((request, side) => {
      expect(request.isStream).toBe(true);
      return {
        ...ignoredEvents,
        onMessage: (kind, bytes) => void side.send(kind, bytes),
        onEnd: () => side.end(),
      };
    });
    const call = a.call({ method: "talkChan", isStream: true });
    call.handle.send(PAYLOAD_JSON, json(1));
    call.handle.send(PAYLOAD_JSON, json(2));
    await eventually(() => call.got.includes("2"));
    call.handle.send(PAYLOAD_JSON, json(3));
    call.handle.end();
    expect(await call.ending).toBe("end");
    expect(call.got.filter((got) => got !== "drain")).toEqual(["1", "2", "3", "end"]);
  });

  it("keeps its early messages and its half-close for the host that takes it", async () => {
    await twoHosts();
    b.drain();
    const call = a.call({ method: "talkChan", isStream: true });
    call.handle.send(PAYLOAD_JSON, json("early"));
    call.handle.end();
    await eventually(() => a.route.callsWaiting === 1);
    a.addInstance((_request, side) => ({
      ...ignoredEvents,
      onMessage: (kind, bytes) => void side.send(kind, bytes),
      onEnd: () => side.end(),
    }));
    expect(await call.ending).toBe("end");
    expect(call.got.filter((got) => got !== "drain")).toEqual(['"early"', "end"]);
  });
});

describe("a link that breaks", () => {
  it("fails the calls that were written, and names the host (X1)", async () => {
    let calls = 0;
    await twoHosts(() => {
      calls++;
      return ignoredEvents;
    });
    const call = a.call();
    await eventually(() => calls === 1);
    b.peers.close();
    expect(await call.ending).toMatch(
      /^instance_failed: Cannot finish the call: the connection to the host b, which had it, has broken .* It may have run\.$/,
    );
  });

  it("gives the calls that were not written to another instance (X1)", async () => {
    await twoHosts();
    const call = a.call();
    a.addInstance(answer("a"));
    a.peers.peer("b")?.link?.close("the test breaks it");
    expect(await call.ending).toMatch(/end|instance_failed/);
  });

  it("is made again", async () => {
    await twoHosts();
    b.peers.peer("a")?.link?.close("the test breaks it");
    await eventually(() => a.events.some((event) => event.startsWith("peer unlinked")));
    await a.knows(b, 10);
    const call = a.call();
    expect(await call.ending).toBe("end");
  });

  it("is closed when the host has left the table", async () => {
    await twoHosts();
    a.peers.see(cluster.rows.filter(({ id }) => id !== "b"));
    await eventually(() => b.events.some((event) => event.startsWith("peer unlinked")));
    expect(a.peers.list).toEqual([]);
  });
});

describe("a host that does not answer", () => {
  let cable: Server;
  let isCut: boolean;

  beforeEach(() => {
    isCut = false;
  });

  it("gets no calls within a second, and gets them again when it answers (X2)", async () => {
    const clock = new VirtualClock();
    a = await cluster.add("a", { clock });
    b = await cluster.add("b");
    b.addInstance(answer("b"));
    // Between the two lies a cable that can be cut.
    cable = createServer((socket) => {
      const onward = connect(b.peers.port, "127.0.0.1");
      const pipe = (from: typeof socket, to: typeof socket): void => {
        from.on("data", (bytes) => {
          if (!isCut) to.write(bytes);
        });
        from.on("error", () => {}).on("close", () => to.destroy());
      };
      pipe(socket, onward);
      pipe(onward, socket);
    }).listen(0, "127.0.0.1");
    await once(cable, "listening");
    const { port } = cable.address() as AddressInfo;
    cluster.rows.splice(1, 1, { ...row("b"), address: `127.0.0.1:${port}` });
    a.peers.peer("b")?.link?.close("the test puts a cable in between");
    cluster.see();
    await eventually(() => {
      clock.advance(50);
      return a.peers.peer("b")?.placesOf("dev.lever/svc")?.free === 10;
    });
    isCut = true;
    clock.advance(1_000);
    expect(a.peers.peer("b")?.isUp).toBe(false);
    expect(a.events.at(-1)).toBe('peer unresponsive {"peer":"b"}');
    a.call();
    expect([a.demands, a.route.callsWaiting]).toEqual([1, 1]);
    // Nothing that was sent meanwhile has arrived, so this connection breaks, and another one is made.
    clock.advance(10_000);
    isCut = false;
    await eventually(() => {
      clock.advance(50);
      return a.peers.peer("b")?.isUp;
    });
    cable.close();
  });
});

describe("a process that is no host of the cluster", () => {
  it("is refused, and gets no calls", async () => {
    b = await cluster.add("b");
    b.addInstance(answer("b"));
    const stranger = await cluster.add("a", { isKnown: false });
    await eventually(() => b.events.some((event) => event.startsWith("peer refused")));
    await eventually(() => stranger.events.some((event) => event.startsWith("peer unreachable")));
    expect(stranger.peers.peer("b")?.isUp).toBe(false);
  });

  it("is not taken for the host whose address it has", async () => {
    a = await cluster.add("a");
    b = await cluster.add("b", { isKnown: false });
    const other = { ...row("a"), id: "c", name: "c", fingerprint: "0".repeat(64) };
    a.peers.see([...cluster.rows, { ...other, address: `127.0.0.1:${b.peers.port}` }]);
    await eventually(() => a.events.some((event) => event.includes("another host answers there")));
    expect(a.peers.peer("c")?.link).toBeUndefined();
  });

  it("without TLS gets nothing", async () => {
    a = await cluster.add("a");
    const socket = connect(a.peers.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.end("GET / HTTP/1.1\r\n\r\n");
    await once(socket, "close");
    await eventually(() => a.events.some((event) => event.startsWith("peer refused")));
  });
});

/** The last call of a chain of so many. */
function chainOf(depth: number): ChainLink {
  return {
    number: 5,
    root: 4,
    isSampled: false,
    trace: undefined,
    depth,
    parent: undefined,
    isOn: () => false,
    usesOwnership: () => undefined,
  };
}

function row(id: string): PeerCluster["rows"][number] {
  const found = cluster.rows.find((one) => one.id === id);
  if (found === undefined) throw new Error(`There is no host ${id}.`);
  return found;
}
