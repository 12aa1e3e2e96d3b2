import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median } from "../tests/harness/load.ts";
import { barChart } from "./chart.ts";
import { type Figure, rounded, spreadOf, verdictOf } from "./figure.ts";
import type { Machine } from "./machine.ts";

const folder = join(import.meta.dirname, "results");

/** The results of one scenario, as its JSON file has them. */
export interface Report {
  readonly scenario: string;
  readonly about: string;
  /** ISO 8601. */
  readonly at: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly machine: Machine;
  /** The load average of the minute before: processes that ran or waited for a processor. */
  readonly loadBefore: number;
  /** Times of the fixed loop between the rounds. */
  readonly calibrationMs: readonly number[];
  readonly figures: readonly Figure[];
}

/** Writes a scenario's report, and the page of all reports. */
export function writeReport(report: Report): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${report.scenario}.json`);
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`);
  const files = readdirSync(folder);
  for (const file of files) if (file.endsWith(".svg")) rmSync(join(folder, file));
  const reports = files
    .filter((file) => file.endsWith(".json"))
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Report);
  writeFileSync(join(folder, "README.md"), page(reports));
}

/** The spread of the fixed loop's times, as a part of their median. */
export function noiseOf(calibrationMs: readonly number[]): string {
  const part = (Math.max(...calibrationMs) - Math.min(...calibrationMs)) / median(calibrationMs);
  return `${(100 * part).toFixed(0)} %`;
}

function page(reports: readonly Report[]): string {
  const kept = reports
    .flatMap(({ figures }) => figures)
    .filter(({ isKept }) => isKept !== undefined);
  const missed = kept.filter(({ isKept }) => isKept === false).length;
  return [
    "# Results",
    "",
    "Written by `npm run bench`; [how to read it](../README.md).",
    `${kept.length - missed} of ${kept.length} promised figures are kept, ${missed} are missed.`,
    "",
    ...reports.flatMap(section),
  ].join("\n");
}

function section(report: Report): string[] {
  const { scenario, about, machine, at, seconds, rounds, calibrationMs, figures } = report;
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return [
    `## ${scenario}`,
    "",
    `${about}.`,
    "",
    ...charts(scenario, figures),
    ...table(
      figures.filter(({ isKept, value }) => isKept !== undefined || typeof value === "string"),
    ),
    "<details><summary>All figures</summary>",
    "",
    ...table(figures),
    "</details>",
    "",
    `${at.slice(0, 16).replace("T", " ")} UTC, ${rounds} rounds of ${seconds} s. ${machine.processor}, ` +
      `${machine.cores} processors, ${machine.memoryGb} GB, Linux ${machine.kernel}. ` +
      `Load before: ${report.loadBefore.toFixed(2)}; a fixed loop's times differed by ${noiseOf(calibrationMs)}.`,
    "",
    `<details><summary>Versions</summary>\n\n${versions.join(", ")}\n\n</details>`,
    "",
  ];
}

function table(figures: readonly Figure[]): string[] {
  if (figures.length === 0) return [];
  return [
    "| figure | median | min–max | target | |",
    "| --- | ---: | ---: | ---: | --- |",
    ...figures.map((figure) => {
      const { name, value, target = "" } = figure;
      const text = typeof value === "number" ? rounded(value) : value.replaceAll("|", "\\|");
      const verdict = verdictOf(figure).replace("MISSED", "**missed**");
      return `| ${name} | ${text} | ${spreadOf(figure)} | ${target} | ${verdict} |`;
    }),
    "",
  ];
}

/** Draws the figures that belong to a chart. */
function charts(scenario: string, figures: readonly Figure[]): string[] {
  const titles = new Set(figures.flatMap(({ bar }) => (bar === undefined ? [] : [bar.chart])));
  return [...titles].flatMap((title, index) => {
    const file = `${scenario}-${index + 1}.svg`;
    const drawn = figures.filter(({ bar }) => bar?.chart === title);
    writeFileSync(join(folder, file), barChart(title, drawn));
    return [`![${title}](${file})`, ""];
  });
}
