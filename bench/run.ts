/**
 * Measures what Lever promises, each figure beside a peer that is measured in the same run, and says which promises were
 * kept: `npm run bench`, or `npm run bench -- --only cold-start`.
 */
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { scenarios } from "./scenarios/index.ts";

const { values } = parseArgs({ options: { only: { type: "string", multiple: true } } });
const names = scenarios.map(({ name }) => name);
for (const name of values.only ?? []) {
  if (names.includes(name)) continue;
  console.error(`There is no scenario ${name}. There are: ${names.join(", ")}.`);
  process.exit(2);
}
const chosen = scenarios.filter(({ name }) => values.only?.includes(name) ?? true);
console.log(`${availableParallelism()} processors, load ${loadavg()[0]?.toFixed(2)} before`);
let broken = 0;
for (const { name, about, run } of chosen) {
  console.log(`\n${name}: ${about}`);
  for (const figure of await run()) {
    if (figure.isKept === false) broken++;
    const verdict = figure.isKept === undefined ? "" : figure.isKept ? "ok" : "BROKEN";
    const value =
      typeof figure.value === "number" && !Number.isInteger(figure.value)
        ? figure.value.toFixed(3)
        : String(figure.value);
    console.log(`  ${figure.name.padEnd(52)} ${value.padStart(12)}  ${verdict}`);
  }
}
process.exitCode = broken === 0 ? 0 : 1;
