import { createHash, type Hash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { Client, type RemoteService, type RemoteStream } from "leveros";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { instancesOf } from "../harness/admin.ts";
import { launchBrowser, type PageServer, servePages } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { type GrpcPeer, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

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
  await deployService(lever, testService(service, { name: "flow", maxInstances: 1 }));
  instancePid = (await call("pid")) as number;
});

afterAll(async () => {
  peer.close();
  await lever.stop();
});

const call = (method: string): Promise<unknown> =>
  client.service("dev.lever", "flow").invoke(method);

const pids = (): number[] => [lever.pid, instancePid];

/** The resident memory of a process, in MB. */
function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

async function callsInFlight(): Promise<number> {
  return (await instancesOf(lever, "flow"))[0]?.callsInFlight ?? 0;
}

async function untilIdle(): Promise<void> {
  await eventually(async () => (await callsInFlight()) === 0);
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

/** Makes calls while a stream has a side that does not read. Returns how many were answered. */
async function callMeanwhile(): Promise<number> {
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
  return times.length;
}

/** A quarter of the least that a producer here wants to send. Windows and socket buffers are far below it. */
const GROWTH_MB_MAX = 64;

/** Ways to open the stream `pushChan`: each returns a function that reads all of it into the hash. */
const consumers: Readonly<Record<string, (hash: Hash) => Promise<() => Promise<void>>>> = {
  HTTP: async (hash) => {
    const outgoing = request(`http://${lever.address}/flow/pushChan?forceenv=dev.lever`, {
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
    const stream = peer.stream("lever://dev.lever/flow/pushChan");
    stream.write({ rpc: toRpc([CHUNKS]) });
    return async () => {
      for await (const message of stream) {
        const { byte_message } = message as { byte_message?: Buffer };
        if (byte_message !== undefined) hash.update(byte_message);
      }
    };
  },
  "a link": async (hash) => {
    const stream: RemoteStream = await client
      .service("dev.lever", "flow")
      .invokeChan("pushChan", CHUNKS);
    return async () => {
      for await (const chunk of stream) hash.update(chunk as Buffer);
    };
  },
  "a WebSocket": async (hash) => {
    const socket = new WebSocket(`ws://${lever.address}/flow/pushChan?forceenv=dev.lever`);
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
    const before = pids().map(residentMb);
    const readAll = await open(hash);
    answered = await callMeanwhile();
    growthMb = pids().map((pid, index) => residentMb(pid) - (before[index] ?? 0));
    const mb = growthMb.map((by) => by.toFixed(0)).join(" and ");
    report(`${transport}: host and instance grew by ${mb} MB`);
    await readAll();
    await untilIdle();
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
    const before = [...pids(), process.pid].map(residentMb);
    const stream = await client.service("dev.lever", "flow").invokeChan("deafChan");
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let sent = 1;
    while (stream.write(chunk)) sent++;
    sentBefore = sent;
    let hasDrained = false;
    const drained = stream.drained().then(() => {
      hasDrained = true;
    });
    await callMeanwhile();
    // The windows on the way have taken some messages, once each.
    for (; hasDrained && sent < CHUNKS; sent++) hasDrained = stream.write(chunk);
    sentWhileNotReading = sent;
    growthMb = [...pids(), process.pid].map((pid, i) => residentMb(pid) - (before[i] ?? 0));
    await call("wake");
    await drained;
    for (; sent < CHUNKS; sent++) if (!stream.write(chunk)) await stream.drained();
    stream.end();
    for await (const message of stream) received.push(message);
    await untilIdle();
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
  const socket = new WebSocket(`ws://${lever.address}/flow/pushChan?forceenv=dev.lever`);
  await once(socket, "open");
  socket.pause();
  socket.send(`[${CHUNKS}]`);
  await eventually(async () => (await callsInFlight()) > 0);
  await callMeanwhile();
  socket.terminate();
  await untilIdle();
});

describe(`${STREAMS} streams of one caller`, () => {
  let streams: RemoteStream[];
  let echoes: unknown[];
  let inFlight = 0;

  beforeAll(async () => {
    const before = residentMb(lever.pid);
    streams = await Promise.all(
      Array.from({ length: STREAMS }, () =>
        client.service("dev.lever", "flow").invokeChan("echoChan"),
      ),
    );
    echoes = await Promise.all(
      streams.map(async (stream, index) => {
        stream.write(index);
        return (await stream[Symbol.asyncIterator]().next()).value;
      }),
    );
    inFlight = await callsInFlight();
    report(
      `${STREAMS} streams: the host grew by ${(residentMb(lever.pid) - before).toFixed(0)} MB`,
    );
  });

  it(`one instance serves ${STREAMS} streams at once`, () => {
    expect(echoes).toEqual(streams.map((_, index) => index));
    expect(inFlight).toBe(STREAMS);
  });

  it("streams that are ended or cancelled leave no call behind", async () => {
    for (const [index, stream] of streams.entries()) {
      if (index % 2 === 0) stream.end();
      else stream.cancel();
    }
    await untilIdle();
  });
});

describe(`${BROWSER_STREAMS} streams of pages`, { tags: ["needs-chromium"] }, () => {
  let browser: Browser;
  let pages: PageServer;
  const opened: { page: Page; echoes: unknown[]; count: number }[] = [];
  let inFlight = 0;

  beforeAll(async () => {
    pages = await servePages({
      "/": `<!doctype html><script type="module">
          import { Client } from "/leveros.js";
          globalThis.remote = new Client({ forceHost: "${lever.address}" }).service("dev.lever", "flow");
        </script>`,
    });
    browser = await launchBrowser();
    const profiles = Math.ceil(BROWSER_STREAMS / SOCKETS_PER_PROFILE);
    const count = Math.min(SOCKETS_PER_PROFILE, BROWSER_STREAMS);
    for (let profile = 0; profile < profiles; profile++) {
      const page = await (await browser.newContext()).newPage();
      await page.goto(pages.origin);
      await page.waitForFunction(() => "remote" in globalThis);
      opened.push({ page, count, echoes: await page.evaluate(openInPage, count) });
    }
    inFlight = await callsInFlight();
  }, TEST_TIMEOUT_MS);

  afterAll(async () => {
    await browser?.close();
    await pages?.[Symbol.asyncDispose]();
  });

  it(`pages have ${BROWSER_STREAMS} streams open at once`, () => {
    for (const { echoes, count } of opened) {
      expect(echoes).toEqual(Array.from({ length: count }, (_, index) => index));
    }
    expect(inFlight).toBe(BROWSER_STREAMS);
  });

  it("streams of pages that end them or close leave no call behind", async () => {
    // Every other page ends its streams first.
    for (const [index, { page }] of opened.entries()) {
      if (index % 2 === 0) await page.evaluate(endInPage);
      await page.close();
    }
    await untilIdle();
  });
});

describe(`${CANCELLED_CALLS} cancelled calls over gRPC`, () => {
  const answers = new Set<unknown>();
  let grownMb = 0;

  beforeAll(async () => {
    const rounds = CANCELLED_CALLS / 200;
    // The heap reaches its size in the first half. A leak would go on growing.
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
      answers.add(await call("hi"));
      await Promise.all(cancelled);
    }
    await untilIdle();
    grownMb = residentMb(lever.pid) - before;
    report(
      `${CANCELLED_CALLS} cancelled calls: the host grew by ${grownMb.toFixed(0)} MB in the second half`,
    );
  }, TEST_TIMEOUT_MS);

  it("calls are answered while others are cancelled over gRPC", () => {
    expect(answers).toEqual(new Set(["hi"]));
  });

  it("cancelled calls over gRPC leak no memory", () => {
    expect(grownMb).toBeLessThan(GROWTH_MB_MAX);
  });
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
  it("a WebSocket with a message over the limit is closed with 1009", async () => {
    const socket = new WebSocket(`ws://${lever.address}/flow/echoChan?forceenv=dev.lever`);
    await once(socket, "open");
    socket.on("error", () => {});
    socket.send("[]");
    socket.send(Buffer.alloc(4 * 1024 * 1024 + 1));
    const [code] = (await once(socket, "close")) as [number];
    expect(code).toBe(1009);
    await untilIdle();
  });

  it("half a gRPC message leaves no call behind", async () => {
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

  it("a connection with malformed HTTP/2 is closed", async () => {
    const [host = "", port = ""] = lever.address.split(":");
    const socket = connect(Number(port), host);
    socket.on("error", () => {});
    socket.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\xff".repeat(1_000)}`);
    socket.resume();
    await once(socket, "close");
    expect(await call("hi")).toBe("hi");
  });
});
