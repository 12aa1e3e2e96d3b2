import type { Overview } from "@leveros/protocol";
import type { VNode } from "preact";
import { useCalled, useWatched } from "../../data/hooks.ts";
import { count, duration, rate } from "../../format.ts";
import { Chart } from "../../parts/chart.tsx";
import { Failed } from "../../parts/empty.tsx";
import { Segments } from "../../parts/segments.tsx";
import { environment, place, setQuery } from "../../route.ts";
import { NothingDeployed } from "./nothing-deployed.tsx";
import { Services } from "./services.tsx";
import { Tiles } from "./tiles.tsx";

type Range = "5m" | "1h" | "24h";
const minutesOf: Readonly<Record<Range, number>> = { "5m": 0, "1h": 60, "24h": 1_440 };
const ranges: readonly (readonly [Range, string])[] = [
  ["5m", "5 min"],
  ["1h", "1 h"],
  ["24h", "24 h"],
];

export function OverviewScreen(): VNode {
  const { value, failure } = useWatched("getOverview", [environment()]);
  if (failure !== undefined) return <Failed {...failure} />;
  if (value === undefined) return <div class="screen" aria-busy="true" />;
  if (value.services === 0) return <NothingDeployed />;
  return (
    <div class="screen">
      <h1 class="hidden">Overview of {value.environment}</h1>
      <Tiles overview={value} />
      <Charts overview={value} />
      <Services />
    </div>
  );
}

function rangeOf(): Range {
  const asked = place.value.query.get("range");
  return ranges.find(([known]) => known === asked)?.[0] ?? "5m";
}

function RangeChoice(): VNode {
  return (
    <Segments
      label="Time"
      options={ranges}
      value={rangeOf()}
      onChange={(range) => setQuery({ range: range === "5m" ? "" : range })}
    />
  );
}

export function minutesShown(): number {
  return minutesOf[rangeOf()];
}

const MINUTE_MS = 60_000;

function Charts({ overview }: { overview: Overview }): VNode {
  const minutes = minutesShown();
  const minute = minutes === 0 ? 0 : Math.floor(Date.now() / MINUTE_MS);
  const past = useCalled("getOverview", [overview.environment, { minutes }], minute);
  const series = (minutes === 0 ? undefined : past.value?.series) ?? overview.series;
  return (
    <section class="charts" aria-label="Calls over time">
      <TrafficCharts series={series} />
    </section>
  );
}

export function TrafficCharts({ series }: { series: Overview["series"] }): VNode {
  const { at, callsPerSecond, errorsPerSecond, p50Ms, p95Ms, p99Ms } = series;
  return (
    <>
      <Chart
        title="Calls"
        at={at}
        format={(value) => (value === 0 ? "0" : value < 1 ? rate(value) : `${count(value)}/s`)}
        series={[
          { label: "calls", tone: "calls", values: callsPerSecond },
          { label: "errors", tone: "errors", values: errorsPerSecond },
        ]}
      >
        <RangeChoice />
      </Chart>
      <Chart
        title="Duration"
        at={at}
        format={(value) => (value === 0 ? "0" : duration(value))}
        series={[
          { label: "p50", tone: "p50", values: p50Ms },
          { label: "p95", tone: "p95", values: p95Ms },
          { label: "p99", tone: "p99", values: p99Ms },
        ]}
      />
    </>
  );
}
