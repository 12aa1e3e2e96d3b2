import type {
  HostStats,
  ServiceStats,
  StatsPoint,
  StatsReport,
  TrafficStats,
} from "@leveros/protocol";
import {
  formatBytes,
  formatCount,
  formatMilliseconds,
  formatRate,
  formatShare,
} from "../../quantity.ts";
import { formatTable } from "../../table.ts";
import { sparkline } from "./sparkline.ts";

/** The time that is shown, in milliseconds since 1970. */
export interface ShownTime {
  readonly from: number;
  readonly to: number;
}

const LIST_WIDTH = 20;
const DETAIL_WIDTH = 60;

/** Formats a line for each service. */
export function formatStats({ services }: StatsReport, time: ShownTime): string {
  const head = [
    "SERVICE",
    "CALLS/S",
    "ERRORS",
    "P50",
    "P95",
    "P99",
    "WAITING",
    "INSTANCES",
    "MEMORY",
    "CPU",
    `LAST ${formatTime(time)}`,
  ];
  const rows = services
    .toSorted((a, b) => b.callsPerSecond - a.callsPerSecond)
    .map((service) => [
      service.service,
      ...trafficCells(service),
      String(service.callsWaiting),
      String(service.instances),
      formatBytes(service.memoryBytes),
      formatCpu(service.history.at(-1)),
      bars(service.history, ({ calls }) => calls, { ...time, width: LIST_WIDTH }),
    ]);
  return formatTable([head, ...rows]);
}

/** Formats one service: its methods, and its history. */
export function formatServiceStats(service: ServiceStats, time: ShownTime): string {
  const { methods, history, callsInFlight, streamsOpen, callsWaiting, instances } = service;
  const head = ["METHOD", "CALLS/S", "ERRORS", "P50", "P95", "P99", "CALLS", "FAILED"];
  const rows = methods
    .toSorted((a, b) => b.callsPerSecond - a.callsPerSecond || b.calls - a.calls)
    .map((method) => [
      method.method,
      ...trafficCells(method),
      String(method.calls),
      String(method.errors),
    ]);
  const now = [
    `${service.service}: ${formatCount(callsInFlight, "call", "calls")} in flight`,
    `${formatCount(streamsOpen, "stream", "streams")} open`,
    `${formatCount(callsWaiting, "call", "calls")} waiting`,
    `${formatCount(instances, "instance", "instances")} with ${formatBytes(service.memoryBytes)}`,
  ].join(", ");
  const table =
    methods.length === 0
      ? "It was not called since the host started."
      : formatTable([head, ...rows]);
  return [now, table, formatHistory(history, time)].join("\n\n");
}

/** Formats the whole host. */
export function formatHostStats(host: HostStats, time: ShownTime): string {
  const head = ["CALLS/S", "ERRORS", "P50", "P95", "P99", "MEMORY", "CPU"];
  const row = [
    ...trafficCells(host),
    formatBytes(host.memoryBytes),
    formatCpu(host.history.at(-1)),
  ];
  return [formatTable([head, row]), formatHistory(host.history, time)].join("\n\n");
}

/** Rates and percentiles. */
function trafficCells(traffic: TrafficStats): string[] {
  const { callsPerSecond, errorsPerSecond, p50Ms, p95Ms, p99Ms } = traffic;
  return [
    formatRate(callsPerSecond),
    callsPerSecond === 0 ? "" : formatShare(errorsPerSecond / callsPerSecond),
    ...[p50Ms, p95Ms, p99Ms].map(formatMilliseconds),
  ];
}

function formatHistory(history: readonly StatsPoint[], time: ShownTime): string {
  if (history.length === 0) return `No history within the last ${formatTime(time)}.`;
  const series: readonly (readonly [
    name: string,
    valueOf: (point: StatsPoint) => number,
    format: (value: number) => string,
  ])[] = [
    ["calls", ({ calls }) => calls, (calls) => `${calls} a minute`],
    ["errors", ({ errors }) => errors, (errors) => `${errors} a minute`],
    ["p99", ({ p99Ms }) => p99Ms ?? 0, formatMilliseconds],
    ["instances", ({ instances }) => instances, String],
    ["memory", ({ memoryBytes }) => memoryBytes, formatBytes],
    ["cpu", ({ cpu }) => cpu, (cpu) => formatShare(cpu)],
  ];
  const head = [`LAST ${formatTime(time)}`, "", "FIRST", "LAST", "MOST"];
  const rows = series.map(([name, ofPoint, format]) => {
    const values = history.map(ofPoint);
    return [
      name,
      bars(history, ofPoint, { ...time, width: DETAIL_WIDTH }),
      format(values.at(0) ?? 0),
      format(values.at(-1) ?? 0),
      format(Math.max(...values)),
    ];
  });
  return formatTable([head, ...rows]);
}

function bars(
  history: readonly StatsPoint[],
  ofPoint: (point: StatsPoint) => number,
  shown: ShownTime & { readonly width: number },
): string {
  return sparkline(
    history.map((point) => ({ at: Date.parse(point.at), value: ofPoint(point) })),
    shown,
  );
}

/** Processors in use, of one: `12 %`. */
function formatCpu(last: StatsPoint | undefined): string {
  return last === undefined ? "" : formatShare(last.cpu);
}

/** `60 MIN`, `24 H`. */
function formatTime({ from, to }: ShownTime): string {
  const minutes = Math.round((to - from) / 60_000);
  return minutes <= 120 ? `${minutes} MIN` : `${Math.round(minutes / 60)} H`;
}
