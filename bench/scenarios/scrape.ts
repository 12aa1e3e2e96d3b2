import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startLever } from "../../tests/harness/lever.ts";
import { Caller } from "../../tests/harness/load.ts";
import { MANY, manyName, putManyServices } from "../../tests/harness/many-services.ts";
import { type Figure, measured } from "../figure.ts";
import { type LongestTurn, longestTurn, loopDelayEnv } from "../host-loop.ts";
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
    try {
      await putManyServices(dataDir, services);
      const limits = [
        `metricSeriesMax=${services}`,
        `queuedBytesPerServiceMax=${WAITING_BYTES_MAX}`,
        "warmRuntimesMax=0",
      ];
      await using lever = await startLever({
        dataDir,
        workers: 1,
        args: limits.flatMap((limit) => ["--limit", limit]),
        env: loopDelayEnv,
      });
      await callEach(lever.address, services);
      const turnDuring = async (work: () => Promise<void>): Promise<LongestTurn> => {
        await longestTurn(lever);
        await work();
        return await longestTurn(lever);
      };
      const scrapeWith = (...args: string[]): Promise<LongestTurn> =>
        turnDuring(() => fetchMetrics(lever.address, args));
      const turns: Record<"rest" | "plain" | "compressed", LongestTurn[]> = {
        rest: [],
        plain: [],
        compressed: [],
      };
      // The first time, code is compiled.
      await scrapeWith();
      for (let round = 0; round < rounds; round++) {
        turns.rest.push(await turnDuring(() => delay(REST_MS)));
        turns.plain.push(await scrapeWith());
        turns.compressed.push(await scrapeWith("--compressed"));
      }
      return [
        ...turnFigures("at rest", turns.rest),
        ...turnFigures("in a scrape", turns.plain),
        ...turnFigures("in a compressed scrape", turns.compressed),
      ];
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
};

function turnFigures(when: string, turns: readonly LongestTurn[]): Figure[] {
  const delays = turns.map(({ delayMs }) => delayMs);
  const computed = turns.map(({ computedMs }) => computedMs);
  return [
    measured(`longest delay ${when}, ms`, delays),
    measured(`longest turn ${when}, ms of processor time`, computed),
  ];
}

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

/** By another process, which takes no time of this one. */
async function fetchMetrics(address: string, args: readonly string[]): Promise<void> {
  const url = `http://${address}/-/metrics`;
  const curl = spawn("curl", ["--silent", "--fail", ...args, url], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [status] = await once(curl, "close");
  if (status !== 0) throw new Error(`Cannot read ${url}: curl ended with ${status}.`);
}
