import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import type { LogEvent } from "../harness/log-events.ts";
import { isRunning, socketsOf, workersOf } from "../harness/worker-processes.ts";
import {
  Connection,
  connections,
  deployWorkerServices,
  lastingStreams,
  openGate,
  portOf,
  stateOf,
} from "../harness/worker-service.ts";

const readyStatus = async ({ address }: RunningLever): Promise<number> =>
  (await httpCall(address, "/-/ready", { method: "GET" })).status;

describe("a worker that is killed", () => {
  let lever: RunningLever;
  let victim = 0;
  let survivor = 0;
  let ended: LogEvent;
  /** Connections on which nothing happens, and the answer of each to a call after the end. */
  let idle: Connection[];
  let answers: [number, string][];
  /** Connections with a stream. */
  let streaming: Connection[];
  let leftBefore = 0;
  /** The statuses of `/-/ready` until another worker has started. */
  const readyStatuses = new Set<number>();

  beforeAll(async () => {
    lever = await startLever({ workers: 2 });
    await deployWorkerServices(lever);
    [victim = 0, survivor = 0] = workersOf(lever.pid);
    idle = await connections(lever, 16);
    leftBefore = (await stateOf(lever, "svc")).left;
    streaming = await lastingStreams(lever, 16);
    process.kill(victim, "SIGKILL");
    ended = await lever.event("worker ended", { worker: victim });
    await eventually(() => streaming.some(({ isClosed }) => isClosed));
    answers = await Promise.all(idle.map((connection) => connection.call("/svc/echo", [1])));
  });

  afterAll(async () => {
    for (const { socket } of [...idle, ...streaming]) socket.destroy();
    await lever.stop();
  });

  it("a killed worker's connections break, and no others", () => {
    const broken = answers.filter(([status]) => status === 0).length;
    expect(broken).toBeGreaterThan(0);
    expect(broken).toBeLessThan(16);
  });

  it("calls at the other worker succeed until a killed one is replaced", async () => {
    let isReplaced = false;
    const replaced = lever.event("worker started", {}, { after: ended }).then(() => {
      isReplaced = true;
    });
    const others = idle.filter(({ isClosed }) => !isClosed);
    do {
      for (const connection of others)
        expect(await connection.call("/svc/echo", [2])).toEqual([200, "2"]);
      readyStatuses.add(await readyStatus(lever));
    } while (!isReplaced);
    await replaced;
    await eventually(() => workersOf(lever.pid).length === 2);
    expect(workersOf(lever.pid)).toContain(survivor);
  });

  it("the host is not ready until a killed worker is replaced", async () => {
    expect(readyStatuses).toContain(503);
    await eventually(async () => (await readyStatus(lever)) === 200);
  });

  it("an instance learns that the callers at a killed worker have left", async () => {
    const broken = streaming.filter(({ isClosed }) => isClosed).length;
    await eventually(async () => (await stateOf(lever, "svc")).left === leftBefore + broken);
  });

  it("the log says by which signal a killed worker ended", () => {
    expect(ended["reason"]).toBe("it was ended by SIGKILL");
  });
});

describe("a worker that does not answer", () => {
  let lever: RunningLever;

  beforeAll(async () => {
    lever = await startLever({ workers: 2 });
    await deployWorkerServices(lever);
  });

  afterAll(() => lever.stop());

  /** Resolves when a worker has been ended because it did not answer, and another listens. */
  async function replaced(victim: number): Promise<void> {
    const reason = "it did not answer for 5 s";
    const ended = await lever.event("worker ended", { worker: victim, reason });
    await lever.event("worker started", {}, { after: ended });
    expect(isRunning(victim)).toBe(false);
    expect(workersOf(lever.pid)).toHaveLength(2);
  }

  it("a worker that does not answer is ended and replaced", async () => {
    const [other = 0, victim = 0] = workersOf(lever.pid);
    process.kill(victim, "SIGSTOP");
    await replaced(victim);
    expect(workersOf(lever.pid)).toContain(other);
  });

  it("a change is acknowledged although a worker does not answer", async () => {
    const [victim = 0, other = 0] = workersOf(lever.pid);
    process.kill(victim, "SIGSTOP");
    // The change needs a connection that the other worker has accepted.
    const opened: Connection[] = [];
    const socketsBefore = socketsOf(other);
    await eventually(
      async () => {
        const connection = new Connection(lever);
        opened.push(connection);
        await Promise.race([connection.call("/svc/echo", [1]), turn()]);
        return socketsOf(other) > socketsBefore;
      },
      { everyMs: 0 },
    );
    const body = '["dev.lever",true]';
    for (const { socket } of opened) {
      socket.write(
        `POST /admin/setPublic?forceenv=admin.lever HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    }
    await replaced(victim);
    await eventually(() => opened.some(({ received }) => received.startsWith("HTTP/1.1 200 ")));
    expect(workersOf(lever.pid)).toContain(other);
    for (const { socket } of opened) socket.destroy();
  });
});

describe("the workers of a host that stops", () => {
  let statuses: [number, string][];
  let hostStatus: number;
  let workers: number[];

  beforeAll(async () => {
    const lever = await startLever({ workers: 2 });
    await deployWorkerServices(lever);
    workers = workersOf(lever.pid);
    const gate = await openGate(lever, "svc");
    const opened = await connections(lever, 8);
    const held = opened.map((connection) => connection.call("/svc/hold"));
    await eventually(async () => (await stateOf(lever, "svc")).running === 8);
    // A supervisor and a terminal send their signals to all processes of a group.
    for (const pid of workers) {
      process.kill(pid, "SIGTERM");
      process.kill(pid, "SIGINT");
    }
    // The stop ends the stream, and so lets the held calls return.
    const stopped = lever.stop();
    await expect(gate[Symbol.asyncIterator]().next()).rejects.toThrow("Lever is stopping");
    statuses = await Promise.all(held);
    hostStatus = await stopped;
  });

  it("workers finish the calls under way before their host ends", () => {
    expect(statuses).toEqual(Array.from({ length: 8 }, () => [200, '"held"']));
    expect(hostStatus).toBe(0);
  });

  it("no worker outlives a host that stops", async () => {
    await eventually(() => !workers.some(isRunning));
  });
});

describe("the workers of a host that is killed", () => {
  let dataDir: string;
  let killed: RunningLever;
  let workers: number[];

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "lever-test-"));
    killed = await startLever({ workers: 2, dataDir });
    workers = workersOf(killed.pid);
    await killed.kill();
  });

  afterAll(() => rmSync(dataDir, { recursive: true }));

  it("no worker outlives a host that is killed", async () => {
    await eventually(() => !workers.some(isRunning));
  });

  it("the port of a killed host with workers is free for the next host", async () => {
    const args = ["--port", String(portOf(killed))];
    await using next = await startLever({ workers: 2, dataDir, args });
    expect(next.address).toBe(killed.address);
  });
});
