import { Caller, keepCalling } from "../../tests/harness/load.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, atMost, type Figure, measured } from "../figure.ts";
import { type Scenario, startHost, untilInstances } from "../scenario.ts";

const CALLERS = 8;
const code = "exports.work = () => new Promise((done) => setTimeout(() => done(process.pid), 5));";

/** Stops one of two instances, as a debugger would. */
export async function stopAnInstance(): Promise<readonly Figure[]> {
  await using lever = await startHost({ unresponsiveKillAfterMs: 3_000 });
  using caller = new Caller(lever.address);
  await deployService(
    lever,
    testService(code, { name: "silent", minInstances: 2, maxInstances: 4 }),
  );
  const twoReady = await untilInstances(
    lever,
    "silent",
    ({ instances }) => instances.filter(({ state }) => state === "ready").length === 2,
  );
  const [victim] = twoReady.instances;
  if (victim === undefined) throw new Error("Cannot stop an instance: there is none.");
  let others = 0;
  const answersAt: number[] = [];
  const load = keepCalling(
    CALLERS,
    () => caller.call("/silent/work"),
    ({ status, text }) => {
      answersAt.push(performance.now());
      if (status === 200 && text !== String(victim.pid)) others++;
    },
  );
  await untilInstances(lever, "silent", ({ instances }) =>
    instances.every(({ callsInFlight }) => callsInFlight > 0),
  );
  process.kill(victim.pid, "SIGSTOP");
  const stoppedAt = performance.now();
  await untilInstances(lever, "silent", ({ instances }) =>
    instances.some(
      ({ instance, state }) => instance === victim.instance && state === "unresponsive",
    ),
  );
  const silentMs = performance.now() - stoppedAt;
  await untilInstances(
    lever,
    "silent",
    ({ instances }) => instances.filter(({ state }) => state === "ready").length >= 2,
  );
  const replacedMs = performance.now() - stoppedAt;
  // From now on every call is answered by others, while the stopped one is still there.
  const before = others;
  await untilInstances(lever, "silent", () => others > before + 100);
  await untilInstances(lever, "silent", ({ instances }) =>
    instances.every(({ instance }) => instance !== victim.instance),
  );
  await load.stop();
  return [
    atMost("found silent after, ms", silentMs, 1_000),
    measured("replaced after, ms", replacedMs),
    atLeast("answers of others meanwhile", others - before, 1),
  ];
}

export const silence: Scenario = {
  name: "silence",
  about: "an instance is stopped by SIGSTOP under load",
  run: stopAnInstance,
};
