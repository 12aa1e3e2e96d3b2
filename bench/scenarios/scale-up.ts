import { type Answer, Caller, keepCalling } from "../../tests/harness/load.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atMost, type Figure, measured } from "../figure.ts";
import { measureNodeStart } from "../node-start.ts";
import { type Scenario, startHost, untilInstances } from "../scenario.ts";

const CALLERS = 100;
const INSTANCES = 10;
const code = `
exports.hold = () => new Promise((done) => setTimeout(done, 50));
process.once("SIGTERM", () => require("node:fs").appendFileSync(process.env.LEVEROS_DATA_DIR + "/terms", "x"));
exports.terms = () => { try { return require("node:fs").readFileSync(process.env.LEVEROS_DATA_DIR + "/terms", "utf8").length; } catch { return 0; } };
`;

interface Step {
  readonly readyMs: number;
  readonly answers: readonly Answer[];
  readonly most: number;
  /** Instances that were asked to end. */
  readonly terms: number;
  readonly killed: number;
}

export const scaleUp: Scenario = {
  name: "scale-up",
  about: `${CALLERS} callers of a 50 ms method come at once to a service at zero, which needs ${INSTANCES} instances`,
  async run(run): Promise<readonly Figure[]> {
    const nodeMs: number[] = [];
    const steps: Step[] = [];
    for (let round = 0; round < run.rounds; round++) {
      run.calibrate();
      nodeMs.push(await measureNodeStart());
      steps.push(await stepOfLoad());
    }
    const answers = steps.flatMap((step) => step.answers);
    const perNode = (ms: (step: Step) => number): number[] =>
      steps.map((step, round) => ms(step) / (nodeMs[round] ?? Number.NaN));
    const slowest = (step: Step): number => Math.max(...step.answers.map(({ ms }) => ms));
    const sum = (count: (step: Step) => number): number =>
      steps.reduce((total, step) => total + count(step), 0);
    const refused = answers.filter(({ status }) => status === 503 || status === 429).length;
    const good = answers.filter(({ status }) => status === 200).length;
    return [
      measured("node on an empty script, ms", nodeMs),
      measured(
        `${INSTANCES} instances ready, ms`,
        steps.map(({ readyMs }) => readyMs),
      ),
      atMost(
        `${INSTANCES} instances ready / node`,
        perNode(({ readyMs }) => readyMs),
        40,
      ),
      atMost("slowest call / node", perNode(slowest), 40),
      measured("calls", answers.length),
      atMost("refused calls", refused, 0),
      atMost("failed calls", answers.length - good - refused, 0),
      measured(
        "most instances",
        steps.map(({ most }) => most),
      ),
      measured(
        "instances asked to end",
        steps.map(({ terms }) => terms),
      ),
      atMost(
        "instances not asked to end",
        sum(({ most, terms }) => Math.max(0, most - terms)),
        0,
      ),
      atMost(
        "instances that did not end by themselves",
        sum(({ killed }) => killed),
        0,
      ),
    ];
  },
};

async function stepOfLoad(): Promise<Step> {
  await using lever = await startHost({ idleTimeoutMs: 1_000, scaleDownAfterMs: 1_000 });
  using caller = new Caller(lever.address);
  await deployService(
    lever,
    testService(code, { name: "step", maxInstanceLoad: CALLERS / INSTANCES }),
  );
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
    most = Math.max(most, instances.length);
    return instances.filter(({ state }) => state === "ready").length >= INSTANCES;
  });
  const readyMs = performance.now() - startedAt;
  await load.stop();
  await untilInstances(lever, "step", ({ instances }) => {
    most = Math.max(most, instances.length);
    return instances.length === 0;
  });
  const terms = Number((await caller.call("/step/terms")).text) - before - 1;
  const killed = lever.events().filter(({ msg }) => msg === "instance failed").length;
  return { readyMs, answers, most, terms, killed };
}
