import { once } from "node:events";
import type { HostEvent } from "@leveros/protocol";
import type { Command } from "commander";
import { callAdmin } from "../../call-admin.ts";
import { printResult } from "../../output.ts";
import { readSettings, type Settings } from "../../settings.ts";

const HELP = `
Deploys, instances that start, stop, fail or fall silent, with the reason; of this environment, and of the host itself.
The host keeps the last ones for as long as it runs; its log has everything.

Examples:
  lever events                     what happened
  lever events helloService        to one service
  lever events --follow --json     as it happens, a line of JSON each`;

interface EventsOptions {
  readonly follow?: true;
  readonly json?: true;
}

export function declareEvents(program: Command): void {
  program
    .command("events")
    .summary("tell what happened")
    .description("Tell what happened in an environment, and to the host.")
    .argument("[service]", "name of a service")
    .option("-f, --follow", "go on as it happens, until Ctrl-C")
    .option("--json", "print a line of JSON for each")
    .addHelpText("after", HELP)
    .action((service: string | undefined, options: EventsOptions) =>
      events(service, { ...options, settings: readSettings(program) }),
    );
}

async function events(
  service: string | undefined,
  options: EventsOptions & { settings: Settings },
): Promise<void> {
  const { settings, follow, json } = options;
  const { environment, host, token } = settings;
  const print = (event: HostEvent): void =>
    printResult(json ? JSON.stringify(event) : formatEvent(event));
  if (!follow) {
    const past = (await callAdmin(settings, "listEvents", environment, service)) as HostEvent[];
    for (const event of past) print(event);
    return;
  }
  const { Client } = await import("leveros");
  const stream = await new Client({ forceHost: host, token })
    .service("admin.lever", "admin")
    .invokeChan("watchEventsChan", environment, service);
  process.stdout.on("error", () => stream.cancel());
  for await (const event of stream) {
    print(event as HostEvent);
    if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
  }
}

const WHY_HELP = `
Examples:
  lever why helloService-3-1a2b3c4d     why it is gone, or what happened to it so far`;

export function declareWhy(program: Command): void {
  program
    .command("why")
    .summary("tell what happened to an instance")
    .description("Tell what happened to one instance: how it started, and why it ended.")
    .argument("<instance>", "its name, as lever ps, lever events and error messages give it")
    .option("--json", "print a line of JSON for each event")
    .addHelpText("after", WHY_HELP)
    .action(async (instance: string, options: { json?: true }) => {
      const settings = readSettings(program);
      const told = await callAdmin(settings, "explainInstance", settings.environment, instance);
      for (const event of told as HostEvent[]) {
        printResult(options.json ? JSON.stringify(event) : formatEvent(event));
      }
    });
}

/** `2026-01-31 12:00:00  warn  instance failed  service=x reason="…"` */
function formatEvent(event: HostEvent): string {
  const { at, level, part, event: name, environment, ...fields } = event;
  const time = at.slice(0, 19).replace("T", " ");
  const shown = Object.entries(fields).flatMap(([field, value]) =>
    value === undefined ? [] : [`${field}=${formatValue(value)}`],
  );
  return [time, level.padEnd(5), name, ...shown].join("  ");
}

function formatValue(value: unknown): string {
  if (typeof value === "number") return String(Math.round(value * 10) / 10);
  return typeof value === "string" && /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value);
}
