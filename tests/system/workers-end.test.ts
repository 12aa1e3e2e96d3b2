import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { isRunning, socketsOf, workersOf } from "../harness/worker-processes.ts";
import {
  Connection,
  connections,
  deploy,
  lastingStreams,
  portOf,
  releaser,
  stateOf,
  until,
} from "../harness/worker-service.ts";

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

  /** Resolves when one that does not answer has been ended for that, and another listens. */
  async function replaced(victim: number): Promise<void> {
    const ended = `"worker":${victim},"reason":"it did not answer for 5 s","msg":"worker ended"`;
    await until(() => lever.output().split(ended)[1]?.includes("worker started") === true);
    expect(isRunning(victim)).toBe(false);
    expect(workersOf(lever.pid)).toHaveLength(2);
  }

  it("does not answer, it is ended, and another comes", async () => {
    const [other = 0, victim = 0] = workersOf(lever.pid);
    process.kill(victim, "SIGSTOP");
    await replaced(victim);
    expect(workersOf(lever.pid)).toContain(other);
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
    await replaced(victim);
    await until(() => opened.some(({ heard }) => heard.startsWith("HTTP/1.1 200 ")));
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
