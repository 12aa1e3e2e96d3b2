import { type Answer, Caller, keepCalling } from "../load.ts";
import { measureNodeStart } from "../node-start.ts";
import { deploy, type Figure, type Scenario, startHost, untilInstances } from "../scenario.ts";

const CALLERS = 100;
const code = `
exports.hold = () => new Promise((done) => setTimeout(done, 50));
process.once("SIGTERM", () => require("node:fs").appendFileSync(process.env.LEVEROS_DATA_DIR + "/terms", "x"));
exports.terms = () => { try { return require("node:fs").readFileSync(process.env.LEVEROS_DATA_DIR + "/terms", "utf8").length; } catch { return 0; } };
`;

export const stepLoad: Scenario = {
  name: "step-load",
  about: "100 callers of a 50 ms method come at once to a service at zero",
  async run(): Promise<readonly Figure[]> {
    const nodeMs = await measureNodeStart();
    await using lever = await startHost({ idleTimeoutMs: 1_000, scaleDownAfterMs: 1_000 });
    using caller = new Caller(lever.address);
    await deploy(lever, "step", code, { maxInstanceLoad: 10 });
    await untilInstances(lever, "step", ({ instances }) => instances.length === 0);
    const before = Number((await caller.call("/step/terms")).text);
    await untilInstances(lever, "step", ({ instances }) => instances.length === 0);
    const answers: Answer[] = [];
    const startedAt = performance.now();
    const load = keepCalling(
      CALLERS,
      () => caller.call("/step/hold"),
      (answer) => answers.push(answer),
    );
    let most = 0;
    await untilInstances(lever, "step", ({ instances }) => {
      const ready = instances.filter(({ state }) => state === "ready").length;
      most = Math.max(most, instances.length);
      return ready >= 10;
    });
    const readyMs = performance.now() - startedAt;
    await load.stop();
    await untilInstances(lever, "step", ({ instances }) => {
      most = Math.max(most, instances.length);
      return instances.length === 0;
    });
    const terms = Number((await caller.call("/step/terms")).text) - before - 1;
    const failed = answers.filter(({ status }) => status !== 200).length;
    const slowest = Math.max(...answers.map(({ ms }) => ms));
    const kills = lever.output().split('"instance failed"').length - 1;
    return [
      { name: "node on an empty script, ms", value: nodeMs },
      {
        name: "10 instances ready / node",
        value: readyMs / nodeMs,
        isKept: readyMs / nodeMs <= 40,
      },
      { name: "slowest call / node", value: slowest / nodeMs, isKept: slowest / nodeMs <= 40 },
      { name: "calls", value: answers.length },
      { name: "failed", value: failed, isKept: failed === 0 },
      { name: "most instances", value: most },
      { name: "instances less TERMs", value: most - terms, isKept: most === terms },
      { name: "instances that did not end by themselves", value: kills, isKept: kills === 0 },
    ];
  },
};
