import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { startHost } from "@leveros/host";
import { defaultLimits } from "@leveros/protocol";
import { Caller } from "../../tests/harness/load.ts";
import { MANY, manyName, putManyServices } from "../../tests/harness/many-services.ts";
import { type Figure, measured } from "../figure.ts";
import type { Scenario } from "../scenario.ts";

/** A call with more bytes may not wait for an instance: it is refused and counted, and starts none. */
const WAITING_BYTES_MAX = 1_000;
const CALLERS = 16;
const REST_MS = 2_000;

export const scrape: Scenario = {
  name: "scrape",
  about: "how long a scrape holds the event loop of a host whose services have all been called",
  async run({ services, rounds }): Promise<readonly Figure[]> {
    const dataDir = mkdtempSync(join(tmpdir(), "lever-scrape-"));
    await putManyServices(dataDir, services);
    // In this process, where the delay of its event loop can be measured.
    const host = await startHost({
      bind: "127.0.0.1",
      port: 0,
      dataDir,
      tls: undefined,
      workers: 1,
      limits: {
        ...defaultLimits,
        metricSeriesMax: services,
        queuedBytesPerServiceMax: WAITING_BYTES_MAX,
        warmRuntimesMax: 0,
      },
      overriddenLimits: new Set(),
      isolation: "process",
      isLocalOnly: true,
      otlp: undefined,
      logLevel: "info",
      showsOutput: false,
      logTo: { write() {} },
    });
    try {
      const address = `127.0.0.1:${host.port}`;
      await callEach(address, services);
      const [idle, plain, compressed]: [number[], number[], number[]] = [[], [], []];
      for (let round = 0; round < rounds; round++) {
        idle.push(await longestDelayMs(() => delay(REST_MS)));
        plain.push(await longestDelayMs(() => fetchMetrics(address, [])));
        compressed.push(await longestDelayMs(() => fetchMetrics(address, ["--compressed"])));
      }
      return [
        measured("longest delay at rest, ms", idle),
        measured("longest delay in a scrape, ms", plain),
        measured("longest delay in a compressed scrape, ms", compressed),
      ];
    } finally {
      await host.close();
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
};

/** Calls every service once, so that each has series of its own. */
async function callEach(address: string, services: number): Promise<void> {
  using caller = new Caller(address);
  const args = ["x".repeat(WAITING_BYTES_MAX)];
  let next = 0;
  const callInTurn = async (): Promise<void> => {
    while (next < services) await caller.call(`/${manyName(next++)}/work`, args, MANY);
  };
  await Promise.all(Array.from({ length: CALLERS }, callInTurn));
}

/** The longest time for which the event loop did nothing else while the work went on. */
async function longestDelayMs(work: () => Promise<void>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await work();
  histogram.disable();
  return histogram.max / 1e6;
}

/** By another process, which takes no time of this one. */
async function fetchMetrics(address: string, args: readonly string[]): Promise<void> {
  const url = `http://${address}/-/metrics`;
  const curl = spawn("curl", ["--silent", "--fail", ...args, url], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [status] = await once(curl, "close");
  if (status !== 0) throw new Error(`Cannot read ${url}: curl ended with ${status}.`);
}
