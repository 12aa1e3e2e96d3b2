import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { askHosts } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { usageError } from "../../exit-status.ts";
import { moment } from "../../moment.ts";
import { printNote, printResult, printScreen } from "../../output.ts";
import { flag, onHost, optional, value } from "../../parameters.ts";
import type { Settings } from "../../settings.ts";
import { formatHostStats, formatServiceStats, formatStats } from "./format-stats.ts";

const WATCH_MS = 1_000;
const MINUTE_MS = 60_000;
const MINUTES_DEFAULT = 60;
/** The host keeps no more. */
const MINUTES_MAX = 1_440;

export const stats: Command = command({
  name: "stats",
  summary: "show calls, errors, durations, memory",
  description:
    "Show the calls a second, errors, durations, memory and processor time of services, and their last hour.",
  arguments: { service: optional("name of a service: its methods, and its history in detail") },
  options: {
    all: flag("show the whole host, all environments together"),
    since: value(
      "<time>",
      "begin the history then: 10m, 2h, 1d, 14:00 (default: an hour ago, at most a day)",
      moment,
    ),
    on: onHost(),
    watch: flag("show them every second, until Ctrl-C"),
    json: flag("print them as JSON; with --watch one line each time"),
  },
  notes: `Rates and percentiles (p50, p95, p99) are those of the last 30 to 60 seconds. ERRORS is the share of the calls
that failed for any reason but their callers' own. CPU is the share of one processor, within the last minute.
The host keeps 24 hours by the minute, across restarts. In the bars, the highest one is the most of the time shown.`,
  examples: [
    ["lever stats", "the services of this environment"],
    ["lever stats helloService", "its methods, and its last hour"],
    ["lever stats helloService --since 1d", "its last day: calls, errors, durations, memory"],
    ["lever stats --all --since 14:00", "the whole host"],
    ["lever stats --json | jq '.services[].p99Ms'"],
  ],
  run: async ({ service, all, since, on, watch, json }, readSettings) => {
    if (all && service !== undefined) {
      throw usageError("Cannot show the stats: name a service or use --all, not both.");
    }
    const settings = readSettings();
    do {
      const text = await show(settings, { service, all, since, on, json });
      if (text === undefined) printNote(`There is nothing to show in ${settings.environment} yet.`);
      else if (watch && !json) printScreen(text);
      else printResult(text);
      if (!watch) return;
      if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
      await delay(WATCH_MS);
    } while (!process.stdout.destroyed);
  },
});

/** undefined = there is nothing to show. */
async function show(
  settings: Settings,
  options: {
    readonly service: string | undefined;
    readonly all: boolean;
    readonly since: Date | undefined;
    readonly on: string | undefined;
    readonly json: boolean;
  },
): Promise<string | undefined> {
  const { service, all, since, on, json } = options;
  const minutes = minutesSince(since);
  if (all) {
    const report = await askHosts(settings, on, "hostStats", { minutes });
    return json ? JSON.stringify(report) : formatHostStats(report, timeOf(report.at, minutes));
  }
  const { environment } = settings;
  const report = await askHosts(settings, on, "listStats", environment, service ?? null, {
    minutes,
  });
  if (json) return JSON.stringify(report);
  const time = timeOf(report.at, minutes);
  const [first] = report.services;
  if (first === undefined) return undefined;
  return service === undefined ? formatStats(report, time) : formatServiceStats(first, time);
}

function minutesSince(since: Date | undefined): number {
  if (since === undefined) return MINUTES_DEFAULT;
  const minutes = Math.round((Date.now() - since.getTime()) / MINUTE_MS);
  return Math.min(MINUTES_MAX, Math.max(1, minutes));
}

/** By the host's clock. */
function timeOf(at: string, minutes: number): { from: number; to: number } {
  const to = Date.parse(at);
  return { from: to - minutes * MINUTE_MS, to };
}
