// @module-tag alone
import { createHash, type Hash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import type { RemoteStream } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { eventually } from "../../harness/eventually.ts";
import { toRpc } from "../../harness/grpc-peer.ts";
import {
  CHUNK_BYTES,
  CHUNKS,
  Flow,
  GROWTH_MB_MAX,
  report,
  residentMb,
  TEST_TIMEOUT_MS,
} from "./flow.ts";

let flow: Flow;

beforeAll(async () => {
  flow = await Flow.start();
});

afterAll(() => flow[Symbol.asyncDispose]());

function expectedHash(): string {
  const hash = createHash("sha256");
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let i = 0; i < CHUNKS; i++) {
    chunk.writeUInt32LE(i);
    hash.update(chunk);
  }
  return hash.digest("hex");
}

/** Ways to open the stream `pushChan`: each returns a function that reads all of it into the hash. */
const consumers: Readonly<Record<string, (hash: Hash) => Promise<() => Promise<void>>>> = {
  HTTP: async (hash) => {
    const outgoing = request(`http://${flow.lever.address}/flow/pushChan?forceenv=dev.lever`, {
      method: "POST",
      headers: { "content-type": "application/json" },
    });
    outgoing.end(`[${CHUNKS}]`);
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    return async () => {
      for await (const chunk of response) hash.update(chunk as Buffer);
    };
  },
  gRPC: async (hash) => {
    const stream = flow.peer.stream("lever://dev.lever/flow/pushChan");
    stream.write({ rpc: toRpc([CHUNKS]) });
    return async () => {
      for await (const message of stream) {
        const { byte_message } = message as { byte_message?: Buffer };
        if (byte_message !== undefined) hash.update(byte_message);
      }
    };
  },
  "a link": async (hash) => {
    const stream: RemoteStream = await flow.client
      .service("dev.lever", "flow")
      .invokeChan("pushChan", CHUNKS);
    return async () => {
      for await (const chunk of stream) hash.update(chunk as Buffer);
    };
  },
  "a WebSocket": async (hash) => {
    const socket = new WebSocket(`ws://${flow.lever.address}/flow/pushChan?forceenv=dev.lever`);
    socket.on("message", (chunk: Buffer) => hash.update(chunk));
    await once(socket, "open");
    socket.send(`[${CHUNKS}]`);
    socket.pause();
    return async () => {
      socket.resume();
      await once(socket, "close");
    };
  },
};

describe.each(Object.entries(consumers))("a consumer over %s", (transport, open) => {
  const hash = createHash("sha256");
  let answered = 0;
  let growthMb: number[];

  beforeAll(async () => {
    const before = flow.pids.map(residentMb);
    const readAll = await open(hash);
    answered = await flow.callMeanwhile();
    growthMb = await flow.growthMb(flow.pids, before);
    const mb = growthMb.map((by) => by.toFixed(0)).join(" and ");
    report(`${transport}: host and instance grew by ${mb} MB`);
    await readAll();
    await flow.untilIdle();
  }, TEST_TIMEOUT_MS);

  it(`a consumer over ${transport} that stops reading delays no other call`, () => {
    expect(answered).toBeGreaterThanOrEqual(200);
  });

  it(`a consumer over ${transport} that stops reading fills no memory`, () => {
    expect(Math.max(...growthMb)).toBeLessThan(GROWTH_MB_MAX);
  });

  it(`a consumer over ${transport} that stops reading gets every byte later`, () => {
    expect(hash.digest("hex")).toBe(expectedHash());
  });
});

describe("a service that stops reading a link", () => {
  let sentBefore = 0;
  let sentWhileNotReading = 0;
  let growthMb: number[];
  const received: unknown[] = [];

  beforeAll(async () => {
    const pids = [...flow.pids, process.pid];
    const before = pids.map(residentMb);
    const stream = await flow.client.service("dev.lever", "flow").invokeChan("deafChan");
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let sent = 1;
    while (stream.write(chunk)) sent++;
    sentBefore = sent;
    let hasDrained = false;
    const drained = stream.drained().then(() => {
      hasDrained = true;
    });
    await flow.callMeanwhile();
    // The windows on the way have taken some messages, once each.
    for (; hasDrained && sent < CHUNKS; sent++) hasDrained = stream.write(chunk);
    sentWhileNotReading = sent;
    growthMb = await flow.growthMb(pids, before);
    await flow.call("wake");
    await drained;
    for (; sent < CHUNKS; sent++) if (!stream.write(chunk)) await stream.drained();
    stream.end();
    for await (const message of stream) received.push(message);
    await flow.untilIdle();
  }, TEST_TIMEOUT_MS);

  it("a caller sends no more than the windows hold to a service that does not read", () => {
    expect(sentBefore).toBeLessThan(CHUNKS / 4);
    expect(sentWhileNotReading).toBeLessThan(CHUNKS / 4);
  });

  it("a service that stops reading a link fills no memory", () => {
    expect(Math.max(...growthMb)).toBeLessThan(GROWTH_MB_MAX);
  });

  it("a service that stops reading a link gets every byte later", () => {
    expect(received).toEqual([CHUNKS * CHUNK_BYTES]);
  });
});

it("a consumer that disconnects without reading leaves no call behind", async () => {
  const socket = new WebSocket(`ws://${flow.lever.address}/flow/pushChan?forceenv=dev.lever`);
  await once(socket, "open");
  socket.pause();
  socket.send(`[${CHUNKS}]`);
  await eventually(async () => (await flow.callsInFlight()) > 0);
  await flow.callMeanwhile();
  socket.terminate();
  await flow.untilIdle();
});
