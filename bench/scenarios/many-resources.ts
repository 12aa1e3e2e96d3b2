import { listInstances } from "../../tests/harness/admin.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { computedMs } from "../process-figures.ts";
import { type Scenario, startHost } from "../scenario.ts";
import { type WrkResult, wrk } from "../wrk.ts";

const RESOURCES = 1_000;
const CONNECTIONS = 32;
const WITHOUT = "calls without resource";
const IN_TURN = "1,000 resources in turn";
const paths: ReadonlyMap<string, string> = new Map([
  [WITHOUT, "/work/sayHello"],
  [IN_TURN, "/work/guest-{turn}/sayHelloOf"],
]);
const work = `
exports.sayHello = (name) => "Hello, " + name + "!";
exports.sayHelloOf = (guest, name) => "Hello, " + name + "!";
`;

interface Measured extends WrkResult {
  /** Processor time of the host and the instance. */
  readonly msForThousand: number;
}

export const manyResources: Scenario = {
  name: "many-resources",
  group: "off-path",
  about: `a greeting at ${CONNECTIONS} connections: each call to the next one of ${RESOURCES} resources, beside calls without resource`,
  async run(run): Promise<readonly Figure[]> {
    await using lever = await startHost();
    const fields = { minInstances: 1, maxInstances: 1, maxInstanceLoad: 1_000 };
    await deployService(lever, testService(work, { name: "work", ...fields }));
    const { instances } = await listInstances(lever);
    const pids = [lever.pid, ...instances.map(({ pid }) => pid)];
    const computed = (): number => pids.reduce((sum, pid) => sum + computedMs(pid), 0);
    const asked = { address: lever.address, host: "dev.lever", body: '["world"]' };
    const measure = async (name: string, seconds = run.seconds): Promise<Measured> => {
      const path = paths.get(name) ?? "";
      const before = computed();
      const result = await wrk({
        ...asked,
        path,
        connections: CONNECTIONS,
        seconds,
        turns: RESOURCES,
      });
      return { ...result, msForThousand: (1_000 * (computed() - before)) / result.requests };
    };
    // Lets Node compile the code, and opens every resource.
    for (const name of paths.keys()) await measure(name, 2);
    const results = await interleave(run, [...paths.keys()], (name) => measure(name));
    const series = (name: string, of: keyof Measured): number[] =>
      (results.get(name) ?? []).map((result) => result[of]);
    const ratio = (of: keyof Measured): number[] =>
      ratios(series(IN_TURN, of), series(WITHOUT, of));
    return [
      ...[...paths.keys()].flatMap((name) => [
        measured(`${name}, requests/s`, series(name, "perSecond")),
        measured(`${name}, processor time of 1,000 calls, ms`, series(name, "msForThousand")),
        atMost(
          `${name}, failed calls`,
          series(name, "failed").reduce((sum, n) => sum + n, 0),
          0,
        ),
      ]),
      atLeast(`${IN_TURN} / ${WITHOUT}`, ratio("perSecond"), 0.9),
      measured(`${IN_TURN} / ${WITHOUT}, processor time`, ratio("msForThousand")),
    ];
  },
};
