/**
 * Measures Lever and its peers in the same run, and prints which promises are kept: `npm run bench`, or
 * `npm run bench -- --only cold-start`. See README.md.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { stopAllLevers } from "../tests/harness/lever.ts";
import { type Figure, rounded, spreadOf, verdictOf } from "./figure.ts";
import { installPeers } from "./install-peers.ts";
import { describeMachine, measureCalibration } from "./machine.ts";
import { noiseOf, writeReport } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";

// The bench measures the built program, as it is shipped.
process.env["LEVER_TEST_DIST"] = "1";
const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "5" },
    services: { type: "string", default: "10000" },
  },
});
const groups = new Set(scenarios.flatMap(({ group }) => group ?? []));
const names = [...scenarios.map(({ name }) => name), ...groups];
for (const name of values.only ?? []) {
  if (names.includes(name)) continue;
  console.error(`There is no scenario ${name}. There are: ${names.join(", ")}.`);
  process.exit(2);
}
const [seconds, rounds, services] = [values.seconds, values.rounds, values.services].map(Number);
if (!(seconds && rounds && services)) {
  console.error("--seconds, --rounds and --services are numbers above 0.");
  process.exit(2);
}

function print(figure: Figure): void {
  const { name, value, target = "" } = figure;
  const text = typeof value === "number" ? rounded(value) : value;
  const columns = [name.padEnd(58), text.padStart(10), spreadOf(figure).padStart(17)];
  console.log(`  ${[...columns, target.padStart(8), verdictOf(figure)].join("  ")}`.trimEnd());
}

/** A scenario that fails counts as a missed promise. The other scenarios go on. */
function failure(error: unknown): Figure[] {
  console.error(error);
  const [reason = ""] = String(error).split("\n");
  return [{ name: "the scenario failed", value: reason, target: "none", isKept: false }];
}

// At a signal, the run waits until the hosts have removed their containers and networks.
let isEnding = false;
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (isEnding) return;
    isEnding = true;
    console.error("Stopping every host.");
    void stopAllLevers().finally(() => process.exit(1));
  });
}
installPeers();
const machine = describeMachine();
console.log(
  `${machine.processor}, ${machine.cores} processors, ${machine.memoryGb} GB, Linux ${machine.kernel}`,
);
console.log(
  Object.entries(machine.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", "),
);
let missed = 0;
const isWanted = ({ name, group }: Scenario): boolean =>
  values.only?.some((only) => only === name || only === group) ?? true;
for (const { name, about, run } of scenarios.filter(isWanted)) {
  console.log(`\n${name}: ${about}`);
  const loadBefore = loadavg()[0] ?? Number.NaN;
  const calibrationMs: number[] = [];
  const calibrate = (): void => {
    calibrationMs.push(measureCalibration());
  };
  calibrate();
  const figures = await run({ seconds, rounds, services, calibrate }).catch(failure);
  if (isEnding) break;
  calibrate();
  for (const figure of figures) print(figure);
  console.log(
    `  Load before: ${loadBefore.toFixed(2)}; a fixed loop: ${noiseOf(calibrationMs)} apart`,
  );
  missed += figures.filter(({ isKept }) => isKept === false).length;
  const at = new Date().toISOString();
  const settings = { seconds, rounds, loadBefore, calibrationMs };
  writeReport({ scenario: name, about, at, ...settings, machine, figures });
}
process.exitCode = missed === 0 ? 0 : 1;
