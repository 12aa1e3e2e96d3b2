import { setTimeout as delay } from "node:timers/promises";
import { listInstances } from "../../tests/harness/admin.ts";
import { Caller, keepCalling } from "../../tests/harness/load.ts";
import { seededRandom } from "../../tests/harness/seeded-random.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atMost, type Figure, measured } from "../figure.ts";
import { kill, type Scenario, startHost } from "../scenario.ts";

const CALLERS = 20;
const EVERY_MS = 500;
/** Far beyond what any call takes: one that reaches it has hung. */
const HUNG_MS = 15_000;
const code = "exports.work = () => new Promise((done) => setTimeout(() => done(process.pid), 20));";

/** Kills a random instance every half second. */
export async function killUnderLoad(durationMs: number): Promise<readonly Figure[]> {
  await using lever = await startHost();
  using caller = new Caller(lever.address);
  await deployService(
    lever,
    testService(code, { name: "mortal", maxInstanceLoad: 5, minInstances: 4 }),
  );
  const random = seededRandom(1);
  let failed = 0;
  let unexplained = 0;
  let hung = 0;
  let calls = 0;
  let lastFailureAt = 0;
  let slowestRecoveryMs = 0;
  const load = keepCalling(
    CALLERS,
    () => caller.call("/mortal/work"),
    ({ status, text, ms }) => {
      calls++;
      if (ms >= HUNG_MS) hung++;
      if (status === 200) {
        if (lastFailureAt > 0) {
          slowestRecoveryMs = Math.max(slowestRecoveryMs, performance.now() - lastFailureAt);
        }
        lastFailureAt = 0;
        return;
      }
      lastFailureAt ||= performance.now();
      failed++;
      if (!text.includes("instance_failed") || !text.includes("was ended by SIGKILL"))
        unexplained++;
    },
  );
  let killed = 0;
  let inFlight = 0;
  const until = performance.now() + durationMs;
  while (performance.now() < until) {
    await delay(EVERY_MS);
    const { instances } = await listInstances(lever, "mortal");
    const ready = instances.filter(({ state }) => state === "ready");
    const victim = ready[Math.floor(random() * ready.length)];
    if (victim === undefined) continue;
    // Calls in flight change until the signal arrives. They are at most as many as the instance may have.
    if (!kill(victim.pid)) continue;
    killed++;
    inFlight += Math.max(victim.callsInFlight, 10);
  }
  await load.stop();
  return [
    measured("killed", killed),
    measured("calls", calls),
    atMost("failed calls", failed, inFlight),
    atMost("failed calls for each kill", failed / killed, 10),
    atMost("failed without saying why", unexplained, 0),
    atMost("hung calls", hung, 0),
    measured("longest time without an answer after a failure, ms", slowestRecoveryMs),
  ];
}

export const kills: Scenario = {
  name: "kills",
  about: `a random instance is killed every ${EVERY_MS} ms under load, for a minute`,
  run: () => killUnderLoad(60_000),
};
