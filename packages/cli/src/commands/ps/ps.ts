import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { InstancesReport } from "@leveros/protocol";
import type { Command } from "commander";
import { callAdmin } from "../../call-admin.ts";
import { printResult } from "../../output.ts";
import { formatAge, formatBytes, formatCount, formatDuration } from "../../quantity.ts";
import { readSettings, type Settings } from "../../settings.ts";
import { formatTable } from "../../table.ts";

const HELP = `
States: starting, ready, unresponsive (the process does not answer, and gets no calls until it does), draining (it
finishes the calls it has and gets no new ones), stopping (it has received TERM).

Examples:
  lever ps                  every instance of this environment
  lever ps helloService     those of one service
  lever ps --watch          again each second
  lever ps --json | jq '.instances[].pid'`;

/** Between two looks of --watch. */
const WATCH_MS = 1_000;
const CLEAR = "\x1b[H\x1b[2J";

interface PsOptions {
  readonly watch?: true;
  readonly json?: true;
}

export function declarePs(program: Command): void {
  program
    .command("ps")
    .summary("list instances")
    .description("List the instances of an environment, with their state, load, memory and age.")
    .argument("[service]", "name of a service")
    .option("--watch", "list them again each second, until Ctrl-C")
    .option("--json", "print the list as JSON; with --watch a line each time")
    .addHelpText("after", HELP)
    .action((service: string | undefined, options: PsOptions) =>
      ps(service, { ...options, settings: readSettings(program) }),
    );
}

async function ps(
  service: string | undefined,
  options: PsOptions & { settings: Settings },
): Promise<void> {
  const { settings, watch, json } = options;
  const { environment } = settings;
  do {
    const report = (await callAdmin(
      settings,
      "listInstances",
      environment,
      service,
    )) as InstancesReport;
    const text = json ? JSON.stringify(report) : formatInstances(report, Date.now());
    printResult(watch && !json && process.stdout.isTTY ? `${CLEAR}${text}` : text);
    if (!watch) return;
    if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
    await delay(WATCH_MS);
  } while (!process.stdout.destroyed);
}

function formatInstances({ instances, host }: InstancesReport, nowMs: number): string {
  const rows = instances.map((instance) => [
    instance.instance,
    String(instance.version),
    instance.state,
    String(instance.callsInFlight - instance.streamsInFlight),
    String(instance.streamsInFlight),
    String(instance.resources),
    `${formatBytes(instance.memoryBytes)} of ${formatBytes(instance.ram * 1e6)}`,
    formatAge(Date.parse(instance.startedAt), nowMs),
    formatStart(instance.start),
  ]);
  const head = [
    "INSTANCE",
    "VERSION",
    "STATE",
    "CALLS",
    "STREAMS",
    "RESOURCES",
    "MEMORY",
    "AGE",
    "START",
  ];
  const table =
    instances.length === 0
      ? "No instances: the next call starts one."
      : formatTable([head, ...rows]);
  const allotted = `${formatBytes(host.ramReserved * 1e6)} of ${formatBytes(host.ramMax * 1e6)}`;
  const warm = `${host.warmReady} of ${host.warmWanted} processes warm`;
  const { count, warm: wereWarm, medianMs } = host.starts;
  const starts =
    count === 0
      ? ""
      : ` ${formatCount(count, "cold start", "cold starts")}, ${wereWarm} warm, median ${formatDuration(medianMs)}.`;
  return `${table}\n\nHost: ${allotted} allotted to instances, ${warm}, ${formatBytes(host.memoryBytes)} of its own.${starts}`;
}

function formatStart(start: InstancesReport["instances"][number]["start"]): string {
  if (start === undefined) return "";
  const total = formatDuration(start.prepareMs + start.launchMs + start.loadMs);
  return start.isWarm ? `${total}, warm` : total;
}
