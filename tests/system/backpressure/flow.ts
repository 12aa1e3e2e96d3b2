import { readFileSync } from "node:fs";
import { Client } from "leveros";
import { expect } from "vitest";
import { instancesOf } from "../../harness/admin.ts";
import { eventually } from "../../harness/eventually.ts";
import { type GrpcPeer, grpcPeer } from "../../harness/grpc-peer.ts";
import { type RunningLever, startLever } from "../../harness/lever.ts";
import { deployService, testService } from "../../harness/test-service.ts";

/** The long run (`npm run test:long`) is as large as the promises, and prints what it measures. */
export const isLong = process.env["LEVER_TESTS"] === "long";
export const CHUNK_BYTES = 64 * 1024;
export const CHUNKS = isLong ? 32 * 1024 : 4 * 1024;
export const TEST_TIMEOUT_MS = isLong ? 300_000 : 60_000;
/** A quarter of the least that a producer here wants to send. Windows and socket buffers are far below it. */
export const GROWTH_MB_MAX = 64;
const PAUSE_MS = isLong ? 10_000 : 0;
/** They allocate several times as much as Node does before it collects. */
const GARBAGE_CALLS = 20_000;
/** Afterwards V8's space for new objects has its size, in both processes: calls alone make it grow. */
const WARM_UP_CALLS = 6_000;

/** Numbers of the long run. */
export function report(line: string): void {
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

/** A host with one instance of a service whose streams push, echo, or are not read. */
export class Flow implements AsyncDisposable {
  readonly lever: RunningLever;
  readonly client: Client;
  readonly peer: GrpcPeer;
  #instancePid = 0;

  private constructor(lever: RunningLever) {
    this.lever = lever;
    this.client = new Client({ forceHost: lever.address });
    this.peer = grpcPeer(lever.address);
  }

  static async start(): Promise<Flow> {
    const flow = new Flow(await startLever({ args: ["--limit", "callsPerInstanceMax=2000"] }));
    await deployService(flow.lever, testService(service, { name: "flow", maxInstances: 1 }));
    flow.#instancePid = (await flow.call("pid")) as number;
    for (let calls = 0; calls < WARM_UP_CALLS; calls++) await flow.call("hi");
    return flow;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.peer.close();
    await this.lever.stop();
  }

  call(method: string): Promise<unknown> {
    return this.client.service("dev.lever", "flow").invoke(method);
  }

  /** The host and the instance. */
  get pids(): number[] {
    return [this.lever.pid, this.#instancePid];
  }

  async callsInFlight(): Promise<number> {
    return (await instancesOf(this.lever, "flow"))[0]?.callsInFlight ?? 0;
  }

  async untilIdle(): Promise<void> {
    await eventually(async () => (await this.callsInFlight()) === 0);
  }

  /** Makes calls while a stream has a side that does not read. Returns how many were answered. */
  async callMeanwhile(): Promise<number> {
    const until = performance.now() + PAUSE_MS;
    const times: number[] = [];
    for (let i = 0; i < 200 || performance.now() < until; i++) {
      const startedAt = performance.now();
      expect(await this.call("hi")).toBe("hi");
      times.push(performance.now() - startedAt);
    }
    times.sort((a, b) => a - b);
    const at = (part: number): string =>
      times[Math.floor((times.length - 1) * part)]?.toFixed(1) ?? "";
    report(`others meanwhile: ${times.length} calls, median ${at(0.5)} ms, most ${at(1)} ms`);
    return times.length;
  }

  /**
   * By how many MB each process has grown since its memory was `before`. Garbage counts until Node collects it: calls make it
   * do that.
   */
  async growthMb(pids: readonly number[], before: readonly number[]): Promise<number[]> {
    const growth = (): number[] => pids.map((pid, i) => residentMb(pid) - (before[i] ?? 0));
    for (
      let calls = 0;
      calls < GARBAGE_CALLS && Math.max(...growth()) > GROWTH_MB_MAX / 2;
      calls++
    ) {
      await this.call("hi");
    }
    return growth();
  }
}

/** The resident memory of a process, in MB. */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
