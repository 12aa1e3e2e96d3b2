import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import type { CreatedToken, EnvironmentListing } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CertificateAuthority } from "../harness/certificates.ts";
import { eventually } from "../harness/eventually.ts";
import { fromJsonMessage, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { callMethod, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { runLever } from "../harness/run-lever.ts";
import { socketsOf, workersOf } from "../harness/worker-processes.ts";
import {
  Connection,
  client,
  connections,
  deployWorkerServices,
  lastingStreams,
  openGate,
  portOf,
  stateOf,
} from "../harness/worker-service.ts";

describe("a host with two workers", () => {
  let lever: RunningLever;

  beforeAll(async () => {
    lever = await startLever({
      workers: 2,
      args: ["--limit", "queuedCallsPerServiceMax=5", "--limit", "queueStandingMs=3600000"],
    });
    await deployWorkerServices(lever);
  });

  afterAll(() => lever.stop());

  it("the log says how many workers the host has", async () => {
    await lever.event("host started", { workers: 2 });
  });

  it("the log warns of workers on a machine with fewer than four cores", async () => {
    await lever.event("host started");
    const warnings = lever.events().filter(({ msg }) => msg === "workers lack cores");
    expect(warnings).toHaveLength(availableParallelism() < 4 ? 1 : 0);
  });

  it("connections are spread over both workers", async () => {
    const workers = workersOf(lever.pid);
    expect(workers).toHaveLength(2);
    const before = workers.map(socketsOf);
    const opened = await connections(lever, 32);
    // A worker accepts a connection a moment after the system has.
    const more = await eventually(() => {
      const counts = workers.map((pid, index) => socketsOf(pid) - (before[index] ?? 0));
      return counts.reduce((sum, count) => sum + count) === 32 && counts;
    });
    expect(Math.min(...more)).toBeGreaterThan(0);
    for (const { socket } of opened) socket.destroy();
  });

  it("two workers answer calls of every transport", async () => {
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

  it("the largest body is carried both ways through a worker", async () => {
    const value = "x".repeat(4 * 1024 * 1024 - 4);
    const answer = await callMethod(lever.address, "/svc/echo", [value]);
    expect(answer.json()).toBe(value);
  });

  it("the first call of a resource through a worker tells what it waited for", async () => {
    // The first call of a resource waits for that to be opened.
    const first = await callMethod(lever.address, "/svc/one/size", ["12"]);
    expect(first.headers["server-timing"]).toMatch(/^wait;dur=[\d.]+$/);
    const second = await callMethod(lever.address, "/svc/one/size", ["12"]);
    expect(second.headers).not.toHaveProperty("server-timing");
  });

  it("the limits of a service hold across its host's workers", async () => {
    const gate = await openGate(lever, "narrow");
    const opened = Array.from({ length: 20 }, () => new Connection(lever));
    const answers: [number, string][] = [];
    const all = opened.map(async (connection) => {
      answers.push(await connection.call("/narrow/hold"));
    });
    // Two are carried, five wait, and the others are refused.
    await eventually(() => answers.length === 13);
    expect(answers.every(([status, body]) => status === 503 && body.includes("overloaded"))).toBe(
      true,
    );
    await eventually(() => {
      gate.write(1);
      return answers.length === 20;
    });
    await Promise.all(all);
    expect(answers.filter(([status]) => status === 200)).toHaveLength(7);
    expect((await stateOf(lever, "narrow")).peak).toBe(2);
    gate.end();
    for (const { socket } of opened) socket.destroy();
  });

  it("an instance learns that callers at both workers have left", async () => {
    const { left } = await stateOf(lever, "svc");
    for (const { socket } of await lastingStreams(lever, 8)) socket.destroy();
    await eventually(async () => (await stateOf(lever, "svc")).left === left + 8);
  });

  it("a stream that its service ends is closed although its caller still sends", async () => {
    const outgoing = new Connection(lever);
    const piece = "7".repeat(60_000);
    outgoing.socket.write(
      "POST /svc/endsEarlyChan?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    const chunk = (line: string): string => `${line.length.toString(16)}\r\n${line}\r\n`;
    outgoing.socket.write(chunk("[]\n"));
    for (let count = 0; count < 100; count++) outgoing.socket.write(chunk(`${piece}\n`));
    await eventually(() => outgoing.isClosed);
    expect(outgoing.received).toContain('"enough"\n');
  });
});

it("a worker resumes the TLS sessions of another", {
  tags: ["needs-openssl"],
}, async () => {
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
  await deployWorkerServices(lever);
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
    rights: ["admin"],
  })) as CreatedToken;
  master = first.token;
  expect(await statuses()).toEqual([401]);
  for (let round = 0; round < 10; round++) {
    const wanted = { environments: ["dev.lever"], rights: ["invoke"] };
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
    rights: ["invoke"],
  })) as CreatedToken;
  expect(await statuses(`authorization: Bearer ${large.token}`)).toEqual([200]);
  const listed = (await admin("listEnvironments")) as EnvironmentListing[];
  expect(listed).not.toHaveLength(0);
  for (const { socket } of opened) socket.destroy();
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
  expect(refused.stderr).toContain("allowed is 1 to 64.");
});
