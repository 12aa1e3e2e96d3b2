import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import type { ServiceListing } from "@leveros/protocol";
import { Client, type RemoteService, type RemoteStream } from "leveros";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { serviceArchive } from "../harness/archive.ts";
import { launchBrowser, servePages } from "../harness/browser.ts";
import { type GrpcPeer, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

/** The long run is as large as the promises, and prints what it measures. */
const isLong = process.env["LEVER_TESTS"] === "long";
const CHUNK_BYTES = 64 * 1024;
const CHUNKS = isLong ? 32 * 1024 : 4 * 1024;
const PAUSE_MS = isLong ? 10_000 : 0;
const STREAMS = isLong ? 1_000 : 500;
const BROWSER_STREAMS = isLong ? 1_000 : 100;
const CANCELLED_CALLS = isLong ? 100_000 : 2_000;
const TEST_TIMEOUT_MS = isLong ? 300_000 : 60_000;
/** Chromium opens no more WebSockets than this for one profile. */
const SOCKETS_PER_PROFILE = 200;

/** Numbers of the long run. */
function report(line: string): void {
  if (isLong) console.log(line);
}

const service = `
exports.pushChan = async function* (stream, count) {
  for (let i = 0; i < count; i++) { const chunk = Buffer.alloc(${CHUNK_BYTES}); chunk.writeUInt32LE(i); yield chunk; }
};
let wake;
exports.deafChan = async (stream) => {
  await new Promise((resolve) => { wake = resolve; });
  let bytes = 0;
  for await (const message of stream) bytes += message.length;
  stream.write(bytes);
};
exports.wake = () => wake();
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
  lever = await startLever({ args: ["--limit", "callsPerInstanceMax=2000"] });
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

const pids = (): number[] => [lever.pid, instancePid];

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
  const until = performance.now() + PAUSE_MS;
  const times: number[] = [];
  for (let i = 0; i < 200 || performance.now() < until; i++) {
    const startedAt = performance.now();
    expect(await call("hi")).toBe("hi");
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const at = (part: number): string =>
    times[Math.floor((times.length - 1) * part)]?.toFixed(1) ?? "";
  report(`others meanwhile: ${times.length} calls, median ${at(0.5)} ms, most ${at(1)} ms`);
}

/** A quarter of the least that a producer here wants to send; the window and sockets' buffers are far below. */
const GROWTH_MB_MAX = 64;

describe("a consumer that stops reading", () => {
  it.each(["HTTP", "gRPC", "a link", "a WebSocket"])(
    "over %s holds up nobody and fills no memory, and gets every byte in the end",
    async (transport) => {
      const before = pids().map(residentMb);
      const hash = createHash("sha256");
      const open: Readonly<Record<string, () => Promise<() => Promise<void>>>> = {
        HTTP: overHttp,
        gRPC: overGrpc,
        "a link": overLink,
        "a WebSocket": overWebSocket,
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
        const socket = new WebSocket(`ws://${lever.address}/flow/pushChan?forceenv=dev.lever`);
        socket.on("message", (chunk: Buffer) => hash.update(chunk));
        await once(socket, "open");
        socket.send(`[${CHUNKS}]`);
        socket.pause();
        return async () => {
          socket.resume();
          await once(socket, "close");
        };
      }

      async function overLink(): Promise<() => Promise<void>> {
        const stream: RemoteStream = await client
          .service("dev.lever", "flow")
          .invokeChan("pushChan", CHUNKS);
        return async () => {
          for await (const chunk of stream) hash.update(chunk as Buffer);
        };
      }

      await whileNotReading();
      const growth = pids().map((pid, index) => residentMb(pid) - (before[index] ?? 0));
      const mb = growth.map((by) => by.toFixed(0)).join(" and ");
      report(`${transport}: host and instance grew by ${mb} MB`);
      expect(Math.max(...growth)).toBeLessThan(GROWTH_MB_MAX);
      await readAll?.();
      expect(hash.digest("hex")).toBe(expectedHash());
      await untilIdle();
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "is sent no more over a link, and gets every byte in the end, when it is the service",
    async () => {
      const before = [...pids(), process.pid].map(residentMb);
      const stream = await client.service("dev.lever", "flow").invokeChan("deafChan");
      const chunk = Buffer.alloc(CHUNK_BYTES);
      let sent = 1;
      while (stream.write(chunk)) sent++;
      expect(sent).toBeLessThan(CHUNKS / 4);
      let hasRoom = false;
      const drained = stream.drained().then(() => {
        hasRoom = true;
      });
      await whileNotReading();
      // What the windows on the way took has made room, once each.
      for (; hasRoom && sent < CHUNKS; sent++) hasRoom = stream.write(chunk);
      expect(sent).toBeLessThan(CHUNKS / 4);
      const growth = [...pids(), process.pid].map((pid, i) => residentMb(pid) - (before[i] ?? 0));
      expect(Math.max(...growth)).toBeLessThan(GROWTH_MB_MAX);
      await call("wake");
      await drained;
      for (; sent < CHUNKS; sent++) if (!stream.write(chunk)) await stream.drained();
      stream.end();
      const heard: unknown[] = [];
      for await (const message of stream) heard.push(message);
      expect(heard).toEqual([CHUNKS * CHUNK_BYTES]);
      await untilIdle();
    },
    TEST_TIMEOUT_MS,
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
  it(`have ${STREAMS} streams open at once on one instance, and close them without a trace`, async () => {
    const before = residentMb(lever.pid);
    const streams = await Promise.all(
      Array.from({ length: STREAMS }, () =>
        client.service("dev.lever", "flow").invokeChan("echoChan"),
      ),
    );
    const heard = await Promise.all(
      streams.map((stream, index) => {
        stream.write(index);
        return stream[Symbol.asyncIterator]().next();
      }),
    );
    expect(heard.map(({ value }) => value)).toEqual(streams.map((_, index) => index));
    expect(await callsInFlight()).toBe(STREAMS);
    report(
      `${STREAMS} streams: the host grew by ${(residentMb(lever.pid) - before).toFixed(0)} MB`,
    );
    for (const [index, stream] of streams.entries()) {
      if (index % 2 === 0) stream.end();
      else stream.cancel();
    }
    await untilIdle();
  });

  it(`have ${BROWSER_STREAMS} streams open at once from pages, and close them without a trace`, {
    tags: ["needs-chromium"],
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    await using pages = await servePages({
      "/": `<!doctype html><script type="module">
          import { Client } from "/leveros.js";
          globalThis.remote = new Client({ forceHost: "${lever.address}" }).service("dev.lever", "flow");
        </script>`,
    });
    const browser = await launchBrowser();
    try {
      const openIn = async (count: number): Promise<Page> => {
        const page = await (await browser.newContext()).newPage();
        await page.goto(pages.origin);
        await page.waitForFunction(() => "remote" in globalThis);
        const heard = await page.evaluate(openInPage, count);
        expect(heard).toEqual(Array.from({ length: count }, (_, index) => index));
        return page;
      };
      const profiles = Array.from({ length: Math.ceil(BROWSER_STREAMS / SOCKETS_PER_PROFILE) });
      const opened: Page[] = [];
      for (const _ of profiles) {
        opened.push(await openIn(Math.min(SOCKETS_PER_PROFILE, BROWSER_STREAMS)));
      }
      expect(await callsInFlight()).toBe(BROWSER_STREAMS);
      // Half of the pages end their streams, the others just go away.
      for (const [index, page] of opened.entries()) {
        if (index % 2 === 0) await page.evaluate(endInPage);
        await page.close();
      }
      await untilIdle();
    } finally {
      await browser.close();
    }
  });

  it(
    `cancel ${CANCELLED_CALLS} calls over gRPC, and others are answered`,
    async () => {
      const rounds = CANCELLED_CALLS / 200;
      // The heap and its garbage reach their size first; what leaks goes on growing.
      let before = 0;
      for (let round = 0; round < rounds; round++) {
        if (round === rounds / 2) before = residentMb(lever.pid);
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
      const grownMb = residentMb(lever.pid) - before;
      report(
        `${CANCELLED_CALLS} cancelled calls: the host grew by ${grownMb.toFixed(0)} MB in the second half`,
      );
      expect(grownMb).toBeLessThan(GROWTH_MB_MAX);
    },
    TEST_TIMEOUT_MS,
  );
});

interface StreamsPage {
  remote: RemoteService;
  streams: RemoteStream[];
}

async function openInPage(count: number): Promise<unknown[]> {
  const page = globalThis as unknown as StreamsPage;
  const opening = Array.from({ length: count }, () => page.remote.invokeChan("echoChan"));
  page.streams = await Promise.all(opening);
  return await Promise.all(
    page.streams.map(async (stream, index) => {
      stream.write(index);
      const { value } = await stream[Symbol.asyncIterator]().next();
      return value as unknown;
    }),
  );
}

function endInPage(): void {
  for (const stream of (globalThis as unknown as StreamsPage).streams) stream.end();
}

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
