import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { leverBin } from "../../tests/harness/run-lever.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { type Scenario, startHost } from "../scenario.ts";

/** Programs that are run one after the other in each turn. */
const RUNS = 8;
const code = 'exports.sayHello = (name) => "Hello, " + name + "!";';

/** A command line, what it must print, and how much longer than `node -e 0` it may take. */
interface Program {
  readonly name: string;
  readonly args: readonly string[];
  readonly prints: RegExp;
  readonly atMost?: number;
}

const node: Program = { name: "node -e 0", args: ["-e", "0"], prints: /^$/ };

export const command: Scenario = {
  name: "command",
  group: "off-path",
  about: "lever --version, invoke and ls, beside the start of node on an empty script",
  async run(run): Promise<readonly Figure[]> {
    await using host = await startHost({ idleTimeoutMs: 600_000 });
    await deployService(host, testService(code, { name: "greeter", minInstances: 1 }));
    const lever = (...args: readonly string[]): readonly string[] => [leverBin, ...args];
    const programs: readonly Program[] = [
      { name: "lever --version", args: lever("--version"), prints: /^\d/, atMost: 1.7 },
      {
        name: "lever invoke",
        args: lever("-H", host.address, "invoke", "/greeter/sayHello", '"world"'),
        prints: /^"Hello, world!"\n$/,
        atMost: 2.2,
      },
      {
        name: "lever ls",
        args: lever("-H", host.address, "ls"),
        prints: /^greeter .* 1 ready /m,
        atMost: 2.5,
      },
    ];
    const results = await interleave(run, [node, ...programs], measureMs);
    const times = (program: Program): readonly number[] => results.get(program) ?? [];
    const chart = "one command: ms";
    return [node, ...programs].flatMap((program): Figure[] => {
      const { name, atMost: limit } = program;
      const ofNode = ratios(times(program), times(node));
      return [
        measured(`${name}, ms`, times(program), { chart, label: name }),
        ...(limit === undefined ? [] : [atMost(`${name} / ${node.name}`, ofNode, limit)]),
      ];
    });
  },
};

/** The mean time of a run. @throws Error when the program prints anything else. */
async function measureMs({ name, args, prints }: Program): Promise<number> {
  const startedAt = performance.now();
  for (let i = 0; i < RUNS; i++) {
    const { stdout } = await promisify(execFile)(process.execPath, args);
    if (!prints.test(stdout)) throw new Error(`${name} has printed: ${stdout}`);
  }
  return (performance.now() - startedAt) / RUNS;
}
