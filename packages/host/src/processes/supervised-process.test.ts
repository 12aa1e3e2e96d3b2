import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import type { ProcessExit } from "./process-exit.ts";
import { type ProcessEnd, type ProcessOwner, SupervisedProcess } from "./supervised-process.ts";

const limits = {
  startTimeoutMs: 30_000,
  stopTimeoutMs: 10_000,
  exitGraceMs: 500,
  unresponsiveAfterMs: 1_000,
  unresponsiveKillAfterMs: 5_000,
  loggedBytesPerSecondMax: 1_000,
  logRecordBytesMax: 1_000,
};

/** A process that does what the test says, and what its owner was called with. */
class Supervised {
  readonly clock = new VirtualClock();
  readonly seen: string[] = [];
  readonly ends: ProcessEnd[] = [];
  onPong: (() => void) | undefined;
  output: (text: string) => void = () => {};
  readonly #exited = Promise.withResolvers<ProcessExit>();
  readonly process: SupervisedProcess<{ pid: number; exited: Promise<ProcessExit>; kill(): void }>;

  constructor() {
    const see =
      (what: string): (() => void) =>
      () =>
        this.seen.push(what);
    const owner: ProcessOwner = {
      onOutput: ({ text }) => this.seen.push(`line ${text}`),
      onOutputDropped: ({ bytes }) => this.seen.push(`dropped ${bytes}`),
      onReady: see("ready"),
      onStopping: see("stopping"),
      requestStop: see("requestStop"),
      ping: (onPong) => {
        this.seen.push("ping");
        this.onPong = onPong;
      },
      onUnresponsive: see("unresponsive"),
      onRecovered: see("recovered"),
      onExited: (end) => this.ends.push(end),
    };
    this.process = new SupervisedProcess(
      (onOutput) => {
        this.output = (text) => onOutput(Buffer.from(text), "stdout");
        return { pid: 7, exited: this.#exited.promise, kill: see("kill") };
      },
      owner,
      { clock: this.clock, limits },
    );
  }

  async exit(exit: ProcessExit = { status: 0, signal: undefined }): Promise<void> {
    this.#exited.resolve(exit);
    await turn();
  }

  /** Checks the health of a busy process at each of these times. */
  check(...waitsMs: number[]): void {
    for (const ms of waitsMs) {
      this.clock.advance(ms);
      this.process.checkHealth({
        hostStallMs: 0,
        isBusy: true,
        hasNewCalls: false,
        hasAnswered: false,
      });
    }
  }
}

describe("a process that does not load in time", () => {
  it("is killed at its start timeout, and ends for that reason", async () => {
    const of = new Supervised();
    of.clock.advance(29_999);
    expect(of.seen).toEqual([]);
    of.clock.advance(1);
    expect(of.seen).toContain("kill");
    await of.exit({ status: undefined, signal: "SIGKILL" });
    expect(of.ends).toEqual([{ cause: "startTimedOut" }]);
    expect(of.process.wasStopped).toBe(false);
  });
});

describe("a process that is stopped", () => {
  it("is asked to exit, and killed when it takes longer than its time", async () => {
    const of = new Supervised();
    of.process.step({ type: "loaded" });
    of.process.step({ type: "stop" });
    expect(of.seen).toEqual(["ready", "stopping", "requestStop"]);
    of.clock.advance(9_999);
    expect(of.seen).not.toContain("kill");
    of.clock.advance(1);
    expect(of.seen).toContain("kill");
    const exit = { status: undefined, signal: "SIGKILL" };
    await of.exit(exit);
    expect(of.ends).toEqual([{ cause: "exited", exit }]);
    expect(of.process.wasStopped).toBe(true);
  });

  it("sets no timer after its exit", async () => {
    const of = new Supervised();
    of.process.step({ type: "loaded" });
    of.process.step({ type: "stop" });
    await of.exit();
    of.clock.advance(60_000);
    expect(of.seen).not.toContain("kill");
    expect(of.process.phase).toBe("exited");
  });
});

describe("a process that crashes", () => {
  it("gets no more work before its owner receives its exit", async () => {
    const of = new Supervised();
    of.process.step({ type: "loaded" });
    const exit = { status: 3, signal: undefined };
    await of.exit(exit);
    expect(of.seen).toEqual(["ready", "stopping"]);
    expect(of.ends).toEqual([{ cause: "exited", exit }]);
  });
});

describe("a ready process that does not answer", () => {
  it("is reported once, and killed after its time", async () => {
    const of = new Supervised();
    of.process.step({ type: "loaded" });
    of.check(0, 999, 1, 1_000);
    expect(of.seen).toEqual(["ready", "ping", "unresponsive"]);
    expect(of.process.isUnresponsive).toBe(true);
    of.check(3_000);
    expect(of.seen.at(-1)).toBe("kill");
    await of.exit({ status: undefined, signal: "SIGKILL" });
    expect(of.ends).toEqual([{ cause: "unresponsive" }]);
  });

  it("recovers with its answer", () => {
    const of = new Supervised();
    of.process.step({ type: "loaded" });
    of.check(0, 1_000);
    of.onPong?.();
    expect(of.seen).toEqual(["ready", "ping", "unresponsive", "recovered"]);
    expect(of.process.isUnresponsive).toBe(false);
  });
});

it("a process that is still starting is not pinged", () => {
  const of = new Supervised();
  of.check(0, 10_000);
  expect(of.seen).toEqual([]);
});

it("a ping of the owner's is answered once, and counts as a health check", () => {
  const of = new Supervised();
  of.process.step({ type: "loaded" });
  let answers = 0;
  of.process.ping(() => answers++);
  of.check(1_000);
  expect(of.seen).toEqual(["ready", "ping", "unresponsive"]);
  of.onPong?.();
  expect(answers).toBe(1);
});

it("what a process wrote last is kept after its exit, and its last line is logged", async () => {
  const of = new Supervised();
  of.output("one\ntwo");
  await of.exit();
  expect(of.seen).toEqual(["line one", "line two"]);
  expect(of.process.lastOutput()).toBe("one\ntwo");
});
