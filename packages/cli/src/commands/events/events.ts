import { once } from "node:events";
import type { EventFilter, HostEvent, HostMissing } from "@leveros/protocol";
import { askHosts, noteMissing } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { usageError } from "../../exit-status.ts";
import { moment } from "../../moment.ts";
import { printNote, printResult } from "../../output.ts";
import { flag, oneOf, onHost, optional, value } from "../../parameters.ts";
import type { Settings } from "../../settings.ts";
import { formatEvent } from "./format-event.ts";

const levels = ["info", "warn", "error"] as const;

export const events: Command = command({
  name: "events",
  summary: "show what happened",
  description: "Show the events of an environment and of the host, oldest first.",
  arguments: { service: optional("name of a service") },
  options: {
    instance: value("<id>", "show only the events of this instance"),
    since: value("<time>", "show only later events: 10m, 2h, 1d, 14:00, 2026-01-31", moment),
    level: value(
      "<level>",
      "show only events of this level or a higher one: info, warn, error",
      oneOf(...levels),
    ),
    follow: flag("continue with new events, until Ctrl-C", { short: "f" }),
    on: onHost(),
    json: flag("print each event as a line of JSON"),
  },
  notes: `Events are deploys, and instances that start, stop, fail or become unresponsive, with the reason. Times
are local on a terminal, and UTC elsewhere.
The host keeps its latest events, also when it restarts; its log has all of them.`,
  examples: [
    ["lever events", "the events of this environment and of the host"],
    ["lever events helloService", "the events of one service"],
    ["lever events --instance helloService-3-1a2b3c4d", "how it started, and why it ended"],
    ["lever events --since 2h --level warn", "what went wrong in the last two hours"],
    ["lever events --follow --json", "new events as they happen, a line of JSON each"],
  ],
  run: async ({ service, instance, since, level, follow, on, json }, readSettings) => {
    if (service !== undefined && instance !== undefined) {
      throw usageError("Cannot show the events: name a service or an instance, not both.");
    }
    const settings = readSettings();
    const { environment } = settings;
    const isWanted = (event: HostEvent): boolean =>
      (instance === undefined || event["instance"] === instance) &&
      (since === undefined || new Date(event.at) >= since) &&
      (level === undefined || levels.indexOf(event.level) >= levels.indexOf(level));
    if (follow) return await followEvents(settings, { environment, service, isWanted, on, json });
    const found =
      instance === undefined
        ? await askHosts(settings, on, "listEvents", environment, service ?? null, {
            ...(since !== undefined && { since: since.toISOString() }),
            ...(level !== undefined && { level }),
          })
        : await askHosts(settings, on, "explainInstance", environment, instance);
    printEvents(found.filter(isWanted), { json });
  },
});

/** Prints the events of one instance, oldest first. */
export async function printInstanceEvents(
  settings: Settings,
  { instance, on, json }: { instance: string; on: string | undefined; json: boolean },
): Promise<void> {
  const { environment } = settings;
  printEvents(await askHosts(settings, on, "explainInstance", environment, instance), { json });
}

interface EventOptions {
  readonly json: boolean;
  /** They are of all environments. Default: false. */
  readonly ofAll?: boolean;
}

export function printEvents(found: readonly HostEvent[], options: EventOptions): void {
  if (found.length === 0 && !options.json) printNote("There are no such events.");
  for (const event of found) printEvent(event, options);
}

/** Prints events, and then each new one. Without `environment`, those of all of them. */
export async function followEvents(
  { host, token }: Settings,
  options: {
    environment?: string;
    service?: string | undefined;
    filter?: EventFilter;
    isWanted: (event: HostEvent) => boolean;
    on: string | undefined;
    json: boolean;
  },
): Promise<void> {
  const { environment = null, service = null, filter = null, on } = options;
  const { Client } = await import("leveros");
  const stream = await new Client({ forceHost: host, token })
    .service("admin.lever", "admin")
    .invokeChan("watchEventsChan", environment, service, filter, { on });
  process.stdout.on("error", () => stream.cancel());
  for await (const message of stream) {
    const event = message as HostEvent | { readonly dropped: number } | HostMissing;
    if (!isEvent(event)) {
      if (options.json) printResult(JSON.stringify(event));
      else if ("missing" in event) noteMissing(event.missing);
      else
        printNote(`… ${event.dropped} events were missed: they came faster than they were read.`);
      continue;
    }
    if (!options.isWanted(event)) continue;
    printEvent(event, { json: options.json, ofAll: environment === null });
    if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
  }
}

function isEvent(message: object): message is HostEvent {
  return "event" in message;
}

function printEvent(event: HostEvent, { json, ofAll = false }: EventOptions): void {
  const isLocal = process.stdout.isTTY;
  printResult(json ? JSON.stringify(event) : formatEvent(event, { isLocal, ofAll }));
}
