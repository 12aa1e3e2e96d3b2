import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import type { ServiceListing } from "@leveros/protocol";
import { Client, type RemoteStream } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { serviceArchive } from "../harness/archive.ts";
import { type GrpcPeer, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

const CHUNK_BYTES = 64 * 1024;
const CHUNKS = 4 * 1024;

const service = `
exports.pushChan = async function* (stream, count) {
  for (let i = 0; i < count; i++) { const chunk = Buffer.alloc(${CHUNK_BYTES}); chunk.writeUInt32LE(i); yield chunk; }
};
exports.echoChan = async (stream) => { for await (const message of stream) stream.write(message); };
exports.slow = (callback) => {};
exports.hi = () => "hi";
exports.pid = () => process.pid;
`;

let lever: RunningLever;
let client: Client;
let peer: GrpcPeer;
let instancePid: number;

beforeAll(async () => {
  lever = await startLever();
  client = new Client({ forceHost: lever.address });
  peer = grpcPeer(lever.address);
  const leverJson = '{"name": "flow", "jsEntry": "server.js", "maxInstances": 1}';
  const archive = serviceArchive({ "lever.json": leverJson, "server.js": service });
  expect((await deployArchive(lever.address, archive)).status).toBe(200);
  instancePid = (await call("pid")) as number;
});

afterAll(async () => {
  peer.close();
  await lever.stop();
});

const call = (method: string): Promise<unknown> =>
  client.service("dev.lever", "flow").invoke(method);

/** What a process holds in memory, in MB. */
function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

async function callsInFlight(): Promise<number> {
  const listings = await client.service("admin.lever", "admin").invoke("listServices", "dev.lever");
  const [flow] = listings as ServiceListing[];
  return flow?.instances[0]?.callsInFlight ?? 0;
}

/** Asks until no call is in flight; the test's own time limit is the only other end. */
async function untilIdle(): Promise<void> {
  while ((await callsInFlight()) > 0);
}

function expectedHash(): string {
  const hash = createHash("sha256");
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let i = 0; i < CHUNKS; i++) {
    chunk.writeUInt32LE(i);
    hash.update(chunk);
  }
  return hash.digest("hex");
}

/** While somebody does not read what is there for him, others are served and nothing piles up. */
async function whileNotReading(): Promise<void> {
  for (let i = 0; i < 200; i++) expect(await call("hi")).toBe("hi");
}

/** A quarter of what the producer wants to send would show; the window and sockets' buffers are far below. */
const GROWTH_MB_MAX = (CHUNK_BYTES * CHUNKS) / 4 / 1024 / 1024;

describe("a consumer that stops reading 256 MiB", () => {
  it.each(["HTTP", "gRPC", "WebSocket"])(
    "over %s holds up nobody and fills no memory, and gets every byte in the end",
    async (transport) => {
      const pids = [lever.pid, instancePid];
      const before = pids.map(residentMb);
      const hash = createHash("sha256");
      const open: Readonly<Record<string, () => Promise<() => Promise<void>>>> = {
        HTTP: overHttp,
        gRPC: overGrpc,
        WebSocket: overWebSocket,
      };
      const readAll = await open[transport]?.();

      async function overHttp(): Promise<() => Promise<void>> {
        const outgoing = request(`http://${lever.address}/flow/pushChan?forceenv=dev.lever`, {
          method: "POST",
          headers: { "content-type": "application/json" },
        });
        outgoing.end(`[${CHUNKS}]`);
        const [response] = (await once(outgoing, "response")) as [IncomingMessage];
        return async () => {
          for await (const chunk of response) hash.update(chunk as Buffer);
        };
      }

      async function overGrpc(): Promise<() => Promise<void>> {
        const stream = peer.stream("lever://dev.lever/flow/pushChan");
        stream.write({ rpc: toRpc([CHUNKS]) });
        return async () => {
          for await (const message of stream) {
            const { byte_message } = message as { byte_message?: Buffer };
            if (byte_message !== undefined) hash.update(byte_message);
          }
        };
      }

      async function overWebSocket(): Promise<() => Promise<void>> {
        const stream: RemoteStream = await client
          .service("dev.lever", "flow")
          .invokeChan("pushChan", CHUNKS);
        return async () => {
          for await (const chunk of stream) hash.update(chunk as Buffer);
        };
      }

      await whileNotReading();
      const growth = pids.map((pid, index) => residentMb(pid) - (before[index] ?? 0));
      expect(Math.max(...growth)).toBeLessThan(GROWTH_MB_MAX);
      await readAll?.();
      expect(hash.digest("hex")).toBe(expectedHash());
      await untilIdle();
    },
    60_000,
  );

  it("leaves nothing behind when it leaves", async () => {
    const socket = new WebSocket(`ws://${lever.address}/flow/pushChan?forceenv=dev.lever`);
    await once(socket, "open");
    socket.pause();
    socket.send(`[${CHUNKS}]`);
    while ((await callsInFlight()) === 0);
    await whileNotReading();
    socket.terminate();
    await untilIdle();
  });
});

describe("many callers", () => {
  it("have 500 streams open at once on one instance, and close them without a trace", async () => {
    const streams = await Promise.all(
      Array.from({ length: 500 }, () => client.service("dev.lever", "flow").invokeChan("echoChan")),
    );
    const heard = await Promise.all(
      streams.map((stream, index) => {
        stream.write(index);
        return stream[Symbol.asyncIterator]().next();
      }),
    );
    expect(heard.map(({ value }) => value)).toEqual(streams.map((_, index) => index));
    expect(await callsInFlight()).toBe(500);
    for (const [index, stream] of streams.entries()) {
      if (index % 2 === 0) stream.end();
      else stream.cancel();
    }
    await untilIdle();
  });

  it("cancel 2,000 calls over gRPC, and others are answered", async () => {
    for (let round = 0; round < 10; round++) {
      const cancelled = Array.from({ length: 200 }, () => {
        const stream = peer.stream("lever://dev.lever/flow/echoChan");
        stream.on("error", () => {});
        stream.write({ rpc: toRpc([]) });
        stream.resume();
        return new Promise<void>((resolve) => {
          stream.on("status", () => resolve());
          setImmediate(() => stream.cancel());
        });
      });
      expect(await call("hi")).toBe("hi");
      await Promise.all(cancelled);
    }
    await untilIdle();
  });
});

describe("a hostile caller", () => {
  it("that sends a WebSocket message over the limit is cut off", async () => {
    const socket = new WebSocket(`ws://${lever.address}/flow/echoChan?forceenv=dev.lever`);
    await once(socket, "open");
    socket.on("error", () => {});
    socket.send("[]");
    socket.send(Buffer.alloc(4 * 1024 * 1024 + 1));
    const [code] = (await once(socket, "close")) as [number];
    expect(code).toBe(1009);
    await untilIdle();
  });

  it("that sends half a gRPC message and leaves harms nobody", async () => {
    const session = connectHttp2(`http://${lever.address}`);
    session.on("error", () => {});
    const stream = session.request({
      ":method": "POST",
      ":path": "/core.LeverRPC/HandleStreamingRPC",
      "content-type": "application/grpc",
      "lever-url": "lever://dev.lever/flow/echoChan",
    });
    stream.on("error", () => {});
    stream.write(Buffer.from([0, 0, 0, 1, 0, 10]));
    await once(session, "remoteSettings");
    session.destroy();
    expect(await call("hi")).toBe("hi");
    await untilIdle();
  });

  it("whose HTTP/2 is none is cut off", async () => {
    const [host = "", port = ""] = lever.address.split(":");
    const socket = connect(Number(port), host);
    socket.on("error", () => {});
    socket.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\xff".repeat(1_000)}`);
    socket.resume();
    await once(socket, "close");
    expect(await call("hi")).toBe("hi");
  });
});
