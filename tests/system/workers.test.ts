import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import type { CreatedToken, EnvironmentListing } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { CertificateAuthority } from "../harness/certificates.ts";
import { fromJsonMessage, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { callMethod, deployArchive, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { runLever } from "../harness/run-lever.ts";
import { isRunning, socketsOf, workersOf } from "../harness/worker-processes.ts";

const SERVER = `
let running = 0, peak = 0, left = 0;
const waiting = [];
exports.echo = (value) => value;
exports.size = (bytes) => bytes.length;
exports.fail = () => { throw { code: 7 }; };
exports.failBytes = () => { throw Buffer.from([1, 2]); };
exports.bytes = () => Buffer.from([0, 255]);
exports.nothing = () => {};
exports.never = () => new Promise(() => {});
exports.hold = async () => {
  peak = Math.max(peak, ++running);
  await new Promise((resolve) => waiting.push(resolve));
  running--;
  return "held";
};
exports.echoChan = async (stream, ...args) => {
  if (args.length > 0) stream.write(args);
  for await (const message of stream) stream.write(message);
};
exports.failChan = async (stream) => { stream.write("one"); throw { code: 7 }; };
exports.lastsChan = async (stream) => {
  stream.on("error", () => left++);
  stream.write("here");
  await new Promise(() => {});
};
/** Asked on a stream, which waits behind no call. */
exports.stateChan = async (stream) => { stream.write({ running, peak, left }); };
exports.releaseChan = async (stream) => {
  for await (const _ of stream) { while (waiting.length > 0) waiting.shift()(); }
};
exports.endsEarlyChan = async (stream) => { stream.write("enough"); stream.end(); };
`;

const archiveOf = (name: string, fields: object = {}): Buffer =>
  serviceArchive({
    "lever.json": JSON.stringify({ name, jsEntry: "server.js", maxInstances: 1, ...fields }),
    "server.js": SERVER,
  });

async function deploy(lever: RunningLever): Promise<void> {
  const roomy = { minInstances: 1, maxInstanceLoad: 1_000 };
  for (const archive of [archiveOf("svc", roomy), archiveOf("narrow", { maxInstanceLoad: 2 })]) {
    const answer = await deployArchive(lever.address, archive);
    expect(answer.status, answer.text).toBe(200);
  }
}

const portOf = ({ address }: RunningLever): number => Number(address.split(":")[1]);
const client = ({ address }: RunningLever, token?: string): Client =>
  new Client({ forceHost: address, ...(token !== undefined && { token }) });

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await turn();
}

interface State {
  readonly running: number;
  readonly peak: number;
  readonly left: number;
}

async function stateOf(lever: RunningLever, service: string): Promise<State> {
  const stream = await client(lever).service("dev.lever", service).invokeChan("stateChan");
  for await (const state of stream) return state as State;
  throw new Error("It did not say.");
}

/** A stream on which each message lets go of the calls that are held. */
const releaser = (lever: RunningLever, service: string) =>
  client(lever).service("dev.lever", service).invokeChan("releaseChan");

/** A connection of HTTP/1.1 that is kept: one call after the other. */
class Connection {
  readonly socket: Socket;
  heard = "";
  isClosed = false;

  constructor(lever: RunningLever) {
    this.socket = connect(portOf(lever), "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => {
      this.heard += chunk.toString("latin1");
    });
    this.socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /** The status and the body; 0 = the connection broke. */
  async call(
    path: string,
    args: unknown[] = [],
    field = "x-nothing: x",
  ): Promise<[number, string]> {
    const body = JSON.stringify(args);
    this.socket.write(
      `POST ${path}?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${field}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    while (true) {
      const end = this.heard.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(this.heard)?.[1] ?? 0);
      if (end !== -1 && this.heard.length >= end + 4 + length) {
        const answer = this.heard;
        this.heard = answer.slice(end + 4 + length);
        return [Number(answer.slice(9, 12)), answer.slice(end + 4, end + 4 + length)];
      }
      if (this.isClosed) return [0, this.heard];
      await turn();
    }
  }
}

/** So many connections, each of which has been taken by a worker: all but certainly not all by the same. */
async function connections(lever: RunningLever, count: number): Promise<Connection[]> {
  const opened = Array.from({ length: count }, () => new Connection(lever));
  for (const connection of opened) await connection.call("/svc/echo", [1]);
  return opened;
}

/** Streams that nobody ends, each on a connection of its own. */
async function lastingStreams(lever: RunningLever, count: number): Promise<Connection[]> {
  const opened = Array.from({ length: count }, () => new Connection(lever));
  for (const { socket } of opened) {
    socket.write(post("/svc/lastsChan", "[]\n").replace("connection: close\r\n", ""));
    await once(socket, "data");
  }
  return opened;
}

describe("a host with two workers", () => {
  let lever: RunningLever;

  beforeAll(async () => {
    lever = await startLever({
      workers: 2,
      args: ["--limit", "queuedCallsMax=5", "--limit", "overloadAfterMs=3600000"],
    });
    await deploy(lever);
  });

  afterAll(() => lever.stop());

  it("says how many there are, and spreads connections over them", async () => {
    expect(lever.output()).toContain('"workers":2');
    const workers = workersOf(lever.pid);
    expect(workers).toHaveLength(2);
    const before = workers.map(socketsOf);
    const opened = await connections(lever, 32);
    const more = workers.map((pid, index) => socketsOf(pid) - (before[index] ?? 0));
    expect(more.reduce((sum, count) => sum + count)).toBe(32);
    expect(Math.min(...more)).toBeGreaterThan(0);
    for (const { socket } of opened) socket.destroy();
  });

  it("answers by every transport", async () => {
    expect((await callMethod(lever.address, "/svc/echo", [{ a: [1] }])).json()).toEqual({ a: [1] });
    const lines = await httpCall(lever.address, "/svc/echoChan?forceenv=dev.lever", {
      headers: { "content-type": "application/json" },
      body: '["arg"]\n1\n2\n',
    });
    expect(lines.text).toBe('["arg"]\n1\n2\n');
    const events = await httpCall(lever.address, "/svc/echoChan?forceenv=dev.lever&args=[3]", {
      method: "GET",
      headers: { accept: "text/event-stream" },
    });
    expect(events.text).toContain("data: [3]\n\n");
    const stream = await client(lever).service("dev.lever", "svc").invokeChan("echoChan");
    stream.write(4);
    stream.end();
    const received: unknown[] = [];
    for await (const message of stream) received.push(message);
    expect(received).toEqual([4]);
    const grpc = grpcPeer(lever.address);
    const reply = await grpc.unary("lever://dev.lever/svc/echo", toRpc([5]));
    expect(fromJsonMessage(reply["result"])).toBe(5);
    grpc.close();
    const session = http2.connect(lever.origin);
    const request = session.request({
      ":method": "POST",
      ":path": "/svc/echo?forceenv=dev.lever",
      "content-type": "application/json",
    });
    request.end("[6]");
    expect(await text(request)).toBe("6");
    session.close();
  });

  it("carries the largest bodies both ways, and tells what a call waited for", async () => {
    const value = "x".repeat(4 * 1024 * 1024 - 4);
    const answer = await callMethod(lever.address, "/svc/echo", [value]);
    expect(answer.json()).toBe(value);
    // The first call of a resource waits for that to be opened.
    const first = await callMethod(lever.address, "/svc/one/size", ["12"]);
    expect(first.headers["server-timing"]).toMatch(/^wait;dur=[\d.]+, prepare;dur=/);
    const second = await callMethod(lever.address, "/svc/one/size", ["12"]);
    expect(second.headers).not.toHaveProperty("server-timing");
  });

  it("holds what is counted for a service across them", async () => {
    const release = await releaser(lever, "narrow");
    const opened = Array.from({ length: 20 }, () => new Connection(lever));
    const answers: [number, string][] = [];
    const all = opened.map(async (connection) => {
      answers.push(await connection.call("/narrow/hold"));
    });
    // Two are carried, five wait, and the others are refused.
    await until(() => answers.length === 13);
    expect(answers.every(([status, body]) => status === 503 && body.includes("overloaded"))).toBe(
      true,
    );
    while (answers.length < 20) {
      release.write(1);
      await turn();
    }
    await Promise.all(all);
    expect(answers.filter(([status]) => status === 200)).toHaveLength(7);
    expect((await stateOf(lever, "narrow")).peak).toBe(2);
    release.end();
    for (const { socket } of opened) socket.destroy();
  });

  it("tells an instance that its callers have left", async () => {
    const { left } = await stateOf(lever, "svc");
    for (const { socket } of await lastingStreams(lever, 8)) socket.destroy();
    await until(async () => (await stateOf(lever, "svc")).left === left + 8);
  });

  it("ends a stream that its service ends, however much its caller still has to say", async () => {
    const outgoing = new Connection(lever);
    const piece = "7".repeat(60_000);
    outgoing.socket.write(
      "POST /svc/endsEarlyChan?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    const chunk = (line: string): string => `${line.length.toString(16)}\r\n${line}\r\n`;
    outgoing.socket.write(chunk("[]\n"));
    for (let count = 0; count < 100; count++) outgoing.socket.write(chunk(`${piece}\n`));
    await until(() => outgoing.isClosed);
    expect(outgoing.heard).toContain('"enough"\n');
  });
});

/** Good and bad: each is sent as it is, on a connection of its own, until that is closed. */
const requests: readonly (readonly [name: string, request: string])[] = [
  ...(
    [
      ["a call", "/svc/echo", '["é"]'],
      ["a call with a resource", "/svc/a/b/echo", "[1]"],
      ["bytes as reply", "/svc/bytes", "[]"],
      ["nothing as reply", "/svc/nothing", "[]"],
      ["an error value", "/svc/fail", "[]"],
      ["an error of bytes", "/svc/failBytes", "[]"],
      ["arguments that are no JSON", "/svc/echo", "[1"],
      ["an unknown service", "/none/echo", "[]"],
      ["a service with a name that is very long", `/${"n".repeat(9_000)}/echo`, "[]"],
      ["an unknown method", "/svc/none", "[]"],
      ["a method that is hidden", "/svc/_none", "[]"],
      ["no method", "/svc", "[]"],
      ["a stream", "/svc/echoChan", "[1]\n2\n3\n"],
      ["a stream that fails", "/svc/failChan", "[]"],
      ["the admin service", "/admin/listLimits?forceenv=admin.lever", "[]"],
      ["a method of the admin service that there is not", "/admin/x?forceenv=admin.lever", "[]"],
      ["an unknown environment", "/svc/echo?forceenv=none.lever", "[]"],
      ["an environment with a space", "/svc/echo?forceenv=local%20admin.lever", "[]"],
    ] as const
  ).map(([name, path, body]) => [name, post(path, body)] as const),
  ["bytes", post("/svc/size", "abc", "content-type: application/octet-stream")],
  ["a deadline", post("/svc/never", "[]", "lever-timeout: 30")],
  ["a deadline that is none", post("/svc/echo", "[]", "lever-timeout: soon")],
  ["a token that is unknown", post("/svc/echo", "[]", "authorization: Bearer x")],
  ["another origin", post("/svc/echo", "[1]", "origin: http://a.example")],
  [
    "a foreign page at the admin service",
    post("/admin/listLimits?forceenv=admin.lever", "[]", "origin: http://a.example"),
  ],
  ["a body that is too large", post("/svc/echo", "", "content-length: 5000000")],
  ["a stream of an unknown type", post("/svc/echoChan", "[]", "content-type: text/plain")],
  [
    "another method of HTTP",
    "GET /svc/echo?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  ],
  [
    "OPTIONS of a page",
    "OPTIONS /svc/echo?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\norigin: http://a.example\r\naccess-control-request-method: POST\r\nconnection: close\r\n\r\n",
  ],
  [
    "events",
    "GET /svc/failChan?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\nconnection: close\r\n\r\n",
  ],
  ["no environment", "POST /svc/echo HTTP/1.0\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"],
  [
    "a WebSocket for a regular method",
    "GET /svc/echo?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  ],
  ["headers that are too large", post("/svc/echo", "[]", `x-large: ${"x".repeat(20_000)}`)],
  ["something that is not HTTP", "HELLO\r\n\r\n"],
];

/** Fields that it names replace the usual ones. */
function post(path: string, body: string, field = ""): string {
  const [name = ""] = field.split(":");
  const fields = [
    "host: x",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ].filter((usual) => !usual.startsWith(`${name}:`));
  const query = path.includes("?") ? "" : "?forceenv=dev.lever";
  const head = [`POST ${path}${query} HTTP/1.1`, ...fields, ...(field === "" ? [] : [field])];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

async function exchange(lever: RunningLever, request: string): Promise<string> {
  const socket = connect(portOf(lever), "127.0.0.1");
  socket.on("error", () => {});
  socket.write(request);
  let heard = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    heard += chunk;
  });
  await once(socket, "close");
  return heard.replace(/^date: .*$/im, "date: then").replace(/dur=[\d.]+(;desc=warm)?/g, "dur=n");
}

describe("what two workers answer", () => {
  let one: RunningLever;
  let two: RunningLever;

  beforeAll(async () => {
    [one, two] = await Promise.all([startLever({ workers: 1 }), startLever({ workers: 2 })]);
    await Promise.all([deploy(one), deploy(two)]);
  });

  afterAll(async () => {
    await one.stop();
    await two.stop();
  });

  it.each(requests)("is byte for byte what one process answers: %s", async (_name, request) => {
    const expected = await exchange(one, request);
    expect(expected).not.toBe("");
    expect(await exchange(two, request)).toBe(expected);
  });
});

it("serves TLS with all workers, and resumes with one the sessions of another", async () => {
  using authority = new CertificateAuthority();
  const { certFile, keyFile } = authority.issue("host");
  const config = mkdtempSync(join(tmpdir(), "lever-config-"));
  await using lever = await startLever({
    workers: 2,
    args: ["--tls-cert", certFile, "--tls-key", keyFile],
  });
  const env = { NODE_EXTRA_CA_CERTS: authority.certFile, XDG_CONFIG_HOME: config };
  expect((await lever.lever(["ls"], { env })).status).toBe(0);
  const agent = new https.Agent({ ca: authority.cert, keepAlive: false });
  const isResumed: boolean[] = [];
  for (let count = 0; count < 24; count++) {
    const outgoing = https.request(`${lever.origin}/none/x?forceenv=dev.lever`, {
      method: "POST",
      agent,
    });
    outgoing.end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    isResumed.push((response.socket as TLSSocket).isSessionReused());
    expect(await text(response)).toContain("unknown_service");
  }
  expect(isResumed).toEqual([false, ...isResumed.slice(1).map(() => true)]);
  rmSync(config, { recursive: true });
});

it("a change of who may call holds in all workers once it is acknowledged", async () => {
  await using lever = await startLever({ workers: 2 });
  await deploy(lever);
  const opened = await connections(lever, 16);
  const statuses = async (field?: string): Promise<number[]> => {
    const answers = await Promise.all(
      opened.map((connection) => connection.call("/svc/echo", [1], field)),
    );
    return [...new Set(answers.map(([status]) => status))];
  };
  const admin = (method: string, ...args: unknown[]): Promise<unknown> =>
    client(lever, master)
      .service("admin.lever", "admin")
      .invoke(method, ...args);
  let master: string | undefined;
  expect(await statuses()).toEqual([200]);
  const first = (await admin("createToken", {
    environments: ["*"],
    can: ["admin"],
  })) as CreatedToken;
  master = first.token;
  expect(await statuses()).toEqual([401]);
  for (let round = 0; round < 10; round++) {
    const wanted = { environments: ["dev.lever"], can: ["invoke"] };
    const { token, id } = (await admin("createToken", wanted)) as CreatedToken;
    expect(await statuses(`authorization: Bearer ${token}`)).toEqual([200]);
    await admin("revokeToken", id);
    expect(await statuses(`authorization: Bearer ${token}`)).toEqual([401]);
    await admin("setPublic", "dev.lever", true);
    expect(await statuses()).toEqual([200]);
    await admin("setCorsOrigins", "dev.lever", ["http://a.example"]);
    expect(await statuses("origin: http://b.example")).toEqual([403]);
    await admin("setCorsOrigins", "dev.lever", ["*"]);
    expect(await statuses("origin: http://b.example")).toEqual([200]);
    await admin("setPublic", "dev.lever", false);
    expect(await statuses()).toEqual([401]);
  }
  // More than a frame of the link holds.
  const environments = Array.from({ length: 1_000 }, (_, index) => `${"e".repeat(200)}${index}`);
  const large = (await admin("createToken", {
    environments: [...environments.slice(1), "dev.lever"],
    can: ["invoke"],
  })) as CreatedToken;
  expect(await statuses(`authorization: Bearer ${large.token}`)).toEqual([200]);
  const listed = (await admin("listEnvironments")) as EnvironmentListing[];
  expect(listed).not.toHaveLength(0);
  for (const { socket } of opened) socket.destroy();
});

describe("when a worker", () => {
  let lever: RunningLever;

  beforeAll(async () => {
    lever = await startLever({ workers: 2 });
    await deploy(lever);
  });

  afterAll(() => lever.stop());

  it("is killed, its callers hear it, its calls are cancelled, the others go on, and another comes", async () => {
    const before = workersOf(lever.pid);
    const [victim = 0] = before;
    const opened = await connections(lever, 16);
    const { left } = await stateOf(lever, "svc");
    const lasting = await lastingStreams(lever, 16);
    process.kill(victim, "SIGKILL");
    await until(() => lasting.some(({ isClosed }) => isClosed));
    await until(() => !isRunning(victim));
    const answers = await Promise.all(
      opened.map((connection) => connection.call("/svc/echo", [1])),
    );
    const broken = answers.filter(([status]) => status === 0).length;
    expect(broken).toBeGreaterThan(0);
    expect(broken).toBeLessThan(16);
    const others = opened.filter(({ isClosed }) => !isClosed);
    const isBack = (): boolean =>
      workersOf(lever.pid).length === 2 && lever.output().includes("worker started");
    while (!isBack()) {
      for (const connection of others)
        expect(await connection.call("/svc/echo", [2])).toEqual([200, "2"]);
    }
    const cut = lasting.filter(({ isClosed }) => isClosed).length;
    await until(async () => (await stateOf(lever, "svc")).left === left + cut);
    expect(lever.output()).toMatch(
      /"worker":\d+,"reason":"it was ended by SIGKILL".*"worker ended"/,
    );
    expect(workersOf(lever.pid)).toContain(before[1]);
    for (const { socket } of [...opened, ...lasting]) socket.destroy();
  });

  it("does not answer, a change is acknowledged all the same: it is ended, and another comes", async () => {
    const before = workersOf(lever.pid);
    const [victim = 0, other = 0] = before;
    process.kill(victim, "SIGSTOP");
    // On a connection that the other has taken: who waits at the one that stands still waits.
    let opened: Connection[] = [];
    const first = socketsOf(other);
    await until(async () => {
      opened.push(new Connection(lever));
      await Promise.race([opened.at(-1)?.call("/svc/echo", [1]), turn()]);
      return socketsOf(other) > first;
    });
    const body = '["dev.lever",true]';
    for (const { socket } of opened) {
      socket.write(
        `POST /admin/setPublic?forceenv=admin.lever HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    }
    await until(() => lever.output().includes("it did not answer for 5 s"));
    await until(
      () =>
        workersOf(lever.pid).every((pid) => pid !== victim) && workersOf(lever.pid).length === 2,
    );
    expect(workersOf(lever.pid)).toContain(other);
    for (const { socket } of opened) socket.destroy();
    opened = [];
  }, 30_000);
});

describe("a host that ends", () => {
  it("lets its workers finish the calls under way, and leaves none behind", async () => {
    const lever = await startLever({ workers: 2 });
    await deploy(lever);
    const workers = workersOf(lever.pid);
    const release = await releaser(lever, "svc");
    const opened = await connections(lever, 8);
    const held = opened.map((connection) => connection.call("/svc/hold"));
    await until(async () => (await stateOf(lever, "svc")).running === 8);
    // As a supervisor does, and a terminal: to all of them.
    for (const pid of workers) {
      process.kill(pid, "SIGTERM");
      process.kill(pid, "SIGINT");
    }
    const stopped = lever.stop();
    await until(async () => (await new Connection(lever).call("/svc/echo", [1]))[0] !== 200);
    release.write(1);
    release.end();
    expect(await Promise.all(held)).toEqual(held.map(() => [200, '"held"']));
    expect(await stopped).toBe(0);
    await until(() => !workers.some(isRunning));
  });

  it("by kill -9 takes its workers with it, so that the next has the port", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "lever-test-"));
    const lever = await startLever({ workers: 2, dataDir });
    const workers = workersOf(lever.pid);
    await lever.kill();
    await until(() => !workers.some(isRunning));
    await using next = await startLever({
      workers: 2,
      dataDir,
      args: ["--port", String(portOf(lever))],
    });
    expect(next.address).toBe(lever.address);
    await next.stop();
    rmSync(dataDir, { recursive: true });
  });
});

it.each([
  [1, 2],
  [2, 1],
  [2, 2],
])("a host with %i workers keeps its port from another with %i", async (workers, others) => {
  await using lever = await startLever({ workers });
  const dataDir = mkdtempSync(join(tmpdir(), "lever-test-"));
  const refused = await runLever([
    ...["up", "--port", String(portOf(lever)), "--data", dataDir],
    ...["--isolation", "process", "--workers", String(others)],
  ]);
  expect(refused.status).toBe(3);
  expect(refused.stderr).toContain(`Cannot listen on ${lever.address}: the port is in use.`);
  rmSync(dataDir, { recursive: true });
});

it.each(["0", "65", "1.5", "all"])("lever up refuses --workers %s", async (workers) => {
  const refused = await runLever(["up", "--workers", workers]);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain("Allowed is 1 to 64.");
});
