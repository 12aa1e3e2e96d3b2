import { once } from "node:events";
import { type LogFilter, type LogMessage, type LogRecord, logLevels } from "@leveros/protocol";
import { askHosts, noteMissing } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { usageError } from "../../exit-status.ts";
import { moment } from "../../moment.ts";
import { printNote, printResult } from "../../output.ts";
import { flag, oneOf, onHost, optional, value } from "../../parameters.ts";
import type { Settings } from "../../settings.ts";
import { formatRecord } from "./format-record.ts";
import { showHostLog } from "./host-log.ts";

/** Records that are held, and printed oldest first. */
const RECORDS_MAX = 10_000;
const PAGE_RECORDS_MAX = 1_000;
const RECORDS = 100;

export const logs: Command = command({
  name: "logs",
  summary: "show what services print",
  description:
    "Show what the instances of a service, or of all services, have printed and thrown, oldest first.",
  arguments: { service: optional("name of a service") },
  options: {
    follow: flag("continue with new records, until Ctrl-C", { short: "f" }),
    since: value("<time>", "show only later records: 10m, 2h, 1d, 14:00, 2026-01-31", moment),
    until: value("<time>", "show only earlier records", moment),
    lines: value(
      "<count>",
      `show the last so many records (default: ${RECORDS}; with --since up to ${RECORDS_MAX})`,
      { parse: parseCount, allowed: `1 to ${RECORDS_MAX}`, short: "n" },
    ),
    level: value(
      "<level>",
      `show only records of this level or a higher one: ${logLevels.join(", ")}`,
      oneOf(...logLevels),
    ),
    instance: value("<id>", "show only records of this instance"),
    version: value("<number>", "show only records of this version", {
      parse: parseCount,
      allowed: "the number of a version",
    }),
    call: value("<id>", "show only records of this call"),
    grep: value("<text>", "show only records that contain this text"),
    host: flag("show the log of the host itself: its events in all environments"),
    on: onHost(),
    json: flag("print each record as a line of JSON"),
  },
  notes: `What a method throws is logged with its stack. console.debug, log, warn and error have levels of their own; what is
written to standard output itself is info, to standard error warn. Logs are kept for a week at most, and so much of each
service as its limits allow (lever limits: log…). --host without an address is the log of the host; with one, as in
--host 10.0.0.7:8080, it is the host to ask. Times are local on a terminal, and UTC elsewhere.`,
  examples: [
    ["lever logs", "the last records of all services of this environment"],
    ["lever logs shop -f", "those of one service, and each new one"],
    ["lever logs shop --since 10m --level error", "what failed in the last ten minutes"],
    [
      "lever logs shop --instance shop-12-9db0f0a0",
      "what one instance printed, also before it ended",
    ],
    ["lever logs --host --since 1h --level warn", "what went wrong in the host itself"],
    ["lever logs --grep timeout --json | jq -r .text"],
  ],
  run: async (
    { service, follow, since, until, lines, host, on, json, ...matching },
    readSettings,
  ) => {
    if (follow && until !== undefined) {
      throw usageError(
        "Cannot follow the logs: --follow has no end, so --until cannot be used with it.",
      );
    }
    const settings = readSettings();
    const filter: LogFilter = {
      ...Object.fromEntries(
        Object.entries({ service, ...matching }).filter(([, given]) => given !== undefined),
      ),
      ...(since !== undefined && { since: since.toISOString() }),
      ...(until !== undefined && { until: until.toISOString() }),
    };
    const max = lines ?? (since === undefined ? RECORDS : RECORDS_MAX);
    if (host) return await showHostLog(settings, { ...filter, max }, { follow, on, json });
    const print = printer({ json });
    if (follow) return await followLogs(settings, { ...filter, max }, { print, on });
    const { records, isComplete } = await findLogs(settings, filter, { max, on });
    for (const record of records) print(record);
    if (records.length === 0 && !json) printNote("There are no such records.");
    if (!isComplete && lines === undefined && since !== undefined) {
      printNote(`Older records are left out: these are the last ${RECORDS_MAX}.`);
    }
  },
});

/** The newest `max` records, oldest first: several pages, if need be. */
async function findLogs(
  settings: Settings,
  filter: LogFilter,
  { max, on }: { readonly max: number; readonly on: string | undefined },
): Promise<{ readonly records: readonly LogRecord[]; readonly isComplete: boolean }> {
  let records: readonly LogRecord[] = [];
  let before: number | undefined;
  do {
    const page = await askHosts(settings, on, "listLogs", settings.environment, {
      ...filter,
      max: Math.min(PAGE_RECORDS_MAX, max - records.length),
      ...(before !== undefined && { before }),
    });
    records = [...page.records, ...records];
    before = page.next;
  } while (before !== undefined && records.length < max);
  return { records, isComplete: before === undefined };
}

/** Prints records as they come, until the host ends the stream, or the signal is aborted. */
export async function followLogs(
  { environment, host, token }: Settings,
  filter: LogFilter,
  {
    print,
    on,
    signal,
  }: {
    readonly print: (message: LogMessage) => void;
    readonly on?: string | undefined;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  const { Client } = await import("leveros");
  const max = Math.min(filter.max ?? RECORDS, PAGE_RECORDS_MAX);
  const stream = await new Client({ forceHost: host, token, signal })
    .service("admin.lever", "admin")
    .invokeChan("watchLogsChan", environment, { ...filter, max }, { on });
  process.stdout.on("error", () => stream.cancel());
  for await (const message of stream) {
    print(message as LogMessage);
    if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
  }
}

function printer({ json }: { readonly json: boolean }): (message: LogMessage) => void {
  const isLocal = process.stdout.isTTY;
  // hasColors() respects NO_COLOR and FORCE_COLOR.
  const isColored = isLocal && process.stdout.hasColors();
  return (message) => {
    if (json) printResult(JSON.stringify(message));
    else if ("text" in message)
      process.stdout.write(`${formatRecord(message, { isLocal, isColored })}\n`);
    else if ("missing" in message) noteMissing(message.missing);
    else
      printNote(`… ${message.dropped} records were dropped: they came faster than they were read.`);
  };
}

function parseCount(text: string): number | undefined {
  const count = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= RECORDS_MAX ? count : undefined;
}
