import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { serviceMetrics } from "./call-metrics.ts";
import { metricTable } from "./descriptions.ts";
import { BUCKETS } from "./histogram.ts";
import { outcomes } from "./outcome.ts";
import { ServiceMeters } from "./service-meters.ts";
import { acceptedFormat, type Metric, shownBuckets, writeMetrics } from "./text-format.ts";

const known = { isStream: false, isKnown: true } as const;

/** One call of a method of each of so many services. */
function called(services: number, seriesMax: number): ServiceMeters {
  const meters = new ServiceMeters(seriesMax);
  for (let index = 0; index < services; index++) {
    const service = meters.of("dev.lever", `service-${index}`);
    meters.method(service, "m", known).count(outcomes.ok, 12);
  }
  return meters;
}

const textOf = (meters: ServiceMeters): string =>
  [...writeMetrics(serviceMetrics(meters.allForReading()), "prometheus")].join("");

const totalOf = (text: string, name: string): number =>
  [...text.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\d+)$`, "gm"))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );

it("the text has a histogram with its buckets added up", () => {
  expect(textOf(called(1, 10)).split("\n").slice(0, 12)).toEqual([
    "# HELP lever_calls_total Calls that have ended, by how they ended.",
    "# TYPE lever_calls_total counter",
    'lever_calls_total{environment="dev.lever",service="service-0",method="m",outcome="ok"} 1',
    'lever_calls_total{environment="dev.lever",service="service-0",method="m",outcome="error"} 0',
    "# HELP lever_call_duration_seconds Time from the arrival of a regular call at the router to its end.",
    "# TYPE lever_call_duration_seconds histogram",
    'lever_call_duration_seconds_bucket{environment="dev.lever",service="service-0",method="m",le="0.0005"} 0',
    'lever_call_duration_seconds_bucket{environment="dev.lever",service="service-0",method="m",le="0.001"} 0',
    'lever_call_duration_seconds_bucket{environment="dev.lever",service="service-0",method="m",le="0.0025"} 0',
    'lever_call_duration_seconds_bucket{environment="dev.lever",service="service-0",method="m",le="0.005"} 0',
    'lever_call_duration_seconds_bucket{environment="dev.lever",service="service-0",method="m",le="0.01"} 0',
    'lever_call_duration_seconds_bucket{environment="dev.lever",service="service-0",method="m",le="0.025"} 1',
  ]);
});

it.each([
  ["each with its series", 10_000, 10_000],
  ["most of them counted together", 2_000, 2_001],
])("of 10,000 services the sum of calls is right, %s", (_, seriesMax, series) => {
  const text = textOf(called(10_000, seriesMax));
  expect(totalOf(text, "lever_calls_total")).toBe(10_000);
  expect(totalOf(text, "lever_call_duration_seconds_count")).toBe(10_000);
  expect(text.match(/^lever_call_duration_seconds_count/gm)).toHaveLength(Math.min(series, 10_000));
});

it("the text of 10,000 services comes in small slices", () => {
  const metrics = serviceMetrics(called(10_000, 10_000).allForReading());
  const slices = [...writeMetrics(metrics, "prometheus")];
  expect(slices.length).toBeGreaterThan(300);
  expect(Math.max(...slices.map(({ length }) => length))).toBeLessThan(36 * 1024);
});

it("a search that finds no value comes in slices, too", () => {
  const metric: Metric = {
    ...metricTable.resourceOpens,
    samples: () => new Array<undefined>(10_000).fill(undefined),
  };
  expect([...writeMetrics([metric], "prometheus")].length).toBeGreaterThan(10);
});

it("what is counted together while the text is written is not counted twice", () => {
  const meters = called(500, 600);
  const slices = writeMetrics(serviceMetrics(meters.allForReading()), "prometheus");
  const first = slices.next().value ?? "";
  for (const service of meters.all()) meters.remove(service);
  expect(totalOf([first, ...slices].join(""), "lever_calls_total")).toBe(500);
});

it("OpenMetrics names a counter without its suffix, and has an end", () => {
  const meters = called(1, 10);
  const text = [...writeMetrics(serviceMetrics(meters.allForReading()), "openMetrics")].join("");
  expect(text).toMatch(/^# HELP lever_calls Calls/);
  expect(text).toContain("\n# TYPE lever_call_bytes counter\n");
  expect(text).toMatch(/\nlever_calls_total\{/);
  expect(text.endsWith("\n# EOF\n")).toBe(true);
});

it("labels are quoted", () => {
  const meters = new ServiceMeters(1);
  meters.method(meters.of("dev.lever", 'a"b\\c\nd'), "m", known).count(outcomes.ok, 1);
  expect(textOf(meters)).toContain('service="a\\"b\\\\c\\nd"');
});

it("in OpenMetrics, a bucket has the trace of its last sampled call", () => {
  const meters = called(1, 10);
  const [method] = meters.of("dev.lever", "service-0").allMethods;
  for (const [traceId, ms, at] of [
    ["a", 11, 1],
    ["b", 20, 2_500],
    ["c", 100_000, 3],
  ] as const) {
    method?.durations.exemplify({ traceId, ms, at });
  }
  const metrics = serviceMetrics(meters.allForReading());
  const exemplars = (text: string): string[] => text.match(/le="[^"]+"\} \d+ # .*$/gm) ?? [];
  expect(exemplars([...writeMetrics(metrics, "openMetrics")].join(""))).toEqual([
    'le="0.025"} 1 # {trace_id="b"} 0.02 2.5',
    'le="+Inf"} 1 # {trace_id="c"} 100 0.003',
  ]);
  expect(exemplars(textOf(meters))).toEqual([]);
});

it("each shown bound is one of the histogram's", () => {
  const buckets = shownBuckets.map(({ bucket }) => bucket);
  expect(buckets).toHaveLength(16);
  expect(buckets).toEqual(buckets.filter((bucket) => bucket >= 0 && bucket < BUCKETS));
});

it.each([
  [undefined, "prometheus"],
  ["*/*", "prometheus"],
  ["text/plain;version=0.0.4", "prometheus"],
  ["application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", "openMetrics"],
])("a caller that accepts %s gets %s", (accept, format) => {
  expect(acceptedFormat(accept)).toBe(format);
});

it("docs/reference/metrics.md has the table of metrics", () => {
  const page = readFileSync(
    join(import.meta.dirname, "../../../../docs/reference/metrics.md"),
    "utf8",
  );
  const rows = Object.values(metricTable).map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(" ")} | ${help} |`,
  );
  const found = page.split("\n").filter((line) => /^\| `(lever|process)_/.test(line));
  expect(found.map((line) => line.replaceAll("|  |", "| |"))).toEqual(
    rows.map((row) => row.replaceAll("|  |", "| |")),
  );
});
