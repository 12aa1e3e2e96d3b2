import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "leveros";
import { type Answer, Caller, keepCalling, median, quantile } from "../../tests/harness/load.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, atMost, type Figure, measured } from "../figure.ts";
import { type Scenario, startHost } from "../scenario.ts";

/** Calls that one instance carries at once, which is the number of callers at full utilisation. */
const LOAD = 10;
const OTHER = "exports.hi = () => new Promise((done) => setTimeout(done, 5, 'hi'));";
const code = `exports.work = () => new Promise((done) => setTimeout(done, 50));`;

function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** Ten times as many callers as a service can carry. */
export async function overloadService(durationMs: number): Promise<readonly Figure[]> {
  await using lever = await startHost();
  using caller = new Caller(lever.address);
  using neighbour = new Caller(lever.address);
  const admin = new Client({ forceHost: lever.address }).service("admin.lever", "admin");
  const narrow = { name: "narrow", maxInstances: 1, minInstances: 1, maxInstanceLoad: LOAD };
  await deployService(lever, testService(code, narrow));
  await deployService(lever, testService(OTHER, { name: "other", minInstances: 1 }));

  const measure = async (
    callers: number,
  ): Promise<{
    accepted: Answer[];
    refused: Answer[];
    failed: number;
    others: number[];
    admins: number[];
  }> => {
    const accepted: Answer[] = [];
    const refused: Answer[] = [];
    let failed = 0;
    let isWarm = false;
    const load = keepCalling(
      callers,
      async () => {
        const answer = await caller.call("/narrow/work");
        // A refused caller tries again a little later.
        if (answer.status === 503) await delay(50);
        return answer;
      },
      (answer) => {
        if (!isWarm) return;
        if (answer.status === 200) accepted.push(answer);
        else if (answer.status === 503 && "retry-after" in answer.headers) refused.push(answer);
        else failed++;
      },
    );
    const others: number[] = [];
    const admins: number[] = [];
    // The queue stands for a second before anybody is refused.
    await delay(2_500);
    isWarm = true;
    const until = performance.now() + durationMs;
    while (performance.now() < until) {
      const { ms, status } = await neighbour.call("/other/hi");
      if (status !== 200) failed++;
      others.push(ms);
      const askedAt = performance.now();
      await admin.invoke("listLimits");
      admins.push(performance.now() - askedAt);
    }
    await load.stop();
    return { accepted, refused, failed, others, admins };
  };

  const full = await measure(LOAD);
  const before = residentMb(lever.pid);
  const over = await measure(10 * LOAD);
  const grownMb = residentMb(lever.pid) - before;
  const ms = (answers: readonly Answer[]): number[] => answers.map((answer) => answer.ms);
  const slower = median(ms(over.accepted)) / median(ms(full.accepted));
  const refusedMs = median(ms(over.refused));
  const throughput = over.accepted.length / full.accepted.length;
  const p99 = quantile(over.others, 0.99) / quantile(full.others, 0.99);
  const adminP99 = quantile(over.admins, 0.99) / quantile(full.admins, 0.99);
  return [
    measured("accepted at full utilisation, median, ms", median(ms(full.accepted))),
    atMost("accepted at ten times that, median / full", slower, 2),
    atLeast("accepted at ten times that, count / full", throughput, 0.7),
    atLeast("refused", over.refused.length, 1),
    atMost("refused, median / accepted median", refusedMs / median(ms(over.accepted)), 1),
    atMost(
      "failed otherwise, or refused at full utilisation",
      over.failed + full.failed + full.refused.length,
      0,
    ),
    atMost("another service, p99 / p99 at full", p99, 2),
    atMost("environment admin.lever, p99 / p99 at full", adminP99, 2),
    atMost("host grew by, MB", grownMb, 100),
  ];
}

export const overload: Scenario = {
  name: "overload",
  about: "ten times as many callers as a service may carry",
  run: () => overloadService(10_000),
};
