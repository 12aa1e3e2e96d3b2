import { PassThrough } from "node:stream";
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import type { ProcessExit } from "../processes/process-exit.ts";
import type { OnOutput } from "../processes/read-output.ts";
import type { LaunchedRuntime } from "./launcher.ts";
import { WarmPool } from "./warm-pool.ts";

class Launched implements LaunchedRuntime {
  readonly isWarm = false;
  readonly memoryBytes = 0;
  readonly socket: PassThrough = new PassThrough();
  readonly #exited: PromiseWithResolvers<ProcessExit> = Promise.withResolvers();
  readonly pid: number;
  isKilled = false;
  readonly write: (text: string) => void;

  constructor(pid: number, onOutput: OnOutput) {
    this.pid = pid;
    this.write = (text) => onOutput(Buffer.from(text), "stdout");
  }

  get exited(): Promise<ProcessExit> {
    return this.#exited.promise;
  }

  /** Sends the first message of a runtime. */
  async start(): Promise<void> {
    this.socket.write("started");
    await new Promise(setImmediate);
  }

  terminate(): void {}

  kill(): void {
    this.isKilled = true;
    this.#exited.resolve({ status: undefined, signal: "SIGKILL" });
  }
}

let clock: VirtualClock;
let launched: Launched[];

beforeEach(() => {
  clock = new VirtualClock();
  launched = [];
});

function open(warmRuntimesMax: number): WarmPool {
  const launcher = {
    launch({ onOutput }: { onOutput: OnOutput }) {
      const runtime = new Launched(launched.length + 1, onOutput);
      launched.push(runtime);
      return runtime;
    },
  };
  const pool = new WarmPool({ launcher, clock, warmRuntimesMax, startTimeoutMs: 30_000 });
  clock.advance(0);
  return pool;
}

const ignore = { ram: 128, onOutput: () => {} };

describe("the warm pool", () => {
  it("starts one runtime at once, and the next one 100 ms after an instance got the first", async () => {
    const pool = open(8);
    expect([launched.length, pool.ready]).toEqual([1, 0]);
    await launched[0]?.start();
    expect(pool.ready).toBe(1);
    const outputs: string[] = [];
    const taken = pool.launch({ ram: 128, onOutput: (chunk) => outputs.push(chunk.toString()) });
    expect(taken).toMatchObject({ pid: 1, isWarm: true });
    launched[0]?.write("hello");
    expect(outputs).toEqual(["hello"]);
    expect([launched.length, pool.ready]).toEqual([1, 0]);
    clock.advance(100);
    expect(launched).toHaveLength(2);
  });

  it("starts a runtime for an instance with variables from the start", async () => {
    const pool = open(8);
    await launched[0]?.start();
    const own = pool.launch({ ...ignore, variables: { LANG: "de_DE" } });
    expect(own).toMatchObject({ pid: 2, isWarm: false });
    expect(pool.ready).toBe(1);
  });

  it("keeps as many runtimes as a burst needed and starts them one at a time", async () => {
    const pool = open(3);
    await launched[0]?.start();
    for (let i = 0; i < 5; i++) pool.launch(ignore);
    expect(launched).toHaveLength(5);
    expect(pool.wanted).toBe(3);
    clock.advance(100);
    for (let i = 5; i < 8; i++) {
      expect(launched).toHaveLength(i + 1);
      await launched[i]?.start();
    }
    expect([launched.length, pool.ready]).toEqual([8, 3]);
  });

  it("gives a runtime only to an instance with the ram that it was started for", async () => {
    const pool = open(8);
    await launched[0]?.start();
    expect(pool.launch({ ...ignore, ram: 512 })).toMatchObject({ pid: 2, isWarm: false });
    clock.advance(100);
    await launched[2]?.start();
    expect(pool.ready).toBe(2);
    expect(pool.launch({ ...ignore, ram: 512 })).toMatchObject({ pid: 3, isWarm: true });
    expect(pool.launch(ignore)).toMatchObject({ pid: 1, isWarm: true });
  });

  it("replaces a runtime that has exited 5 s later", async () => {
    const pool = open(8);
    await launched[0]?.start();
    launched[0]?.kill();
    await new Promise(setImmediate);
    expect(pool.ready).toBe(0);
    clock.advance(5_000);
    expect(launched).toHaveLength(2);
  });

  it("kills a runtime that does not start in time, unless it has become an instance", async () => {
    const pool = open(8);
    pool.launch(ignore);
    clock.advance(30_000);
    expect(launched.map(({ isKilled }) => isKilled)).toEqual([false, false]);
    clock.advance(100);
    expect(launched.map(({ isKilled }) => isKilled)).toEqual([false, true]);
    await new Promise(setImmediate);
    clock.advance(5_000);
    expect(launched).toHaveLength(3);
    await launched[2]?.start();
    clock.advance(30_000);
    expect([pool.ready, launched[2]?.isKilled]).toEqual([1, false]);
  });

  it("starts each runtime when it is needed where the maximum is 0", () => {
    const pool = open(0);
    expect(launched).toHaveLength(0);
    expect(pool.launch(ignore)).toMatchObject({ pid: 1, isWarm: false });
    clock.advance(10_000);
    expect(launched).toHaveLength(1);
  });

  it("kills the runtimes that are not instances when it is closed", async () => {
    const pool = open(8);
    await pool.close();
    clock.advance(10_000);
    expect([launched.length, pool.ready]).toEqual([1, 0]);
  });
});
