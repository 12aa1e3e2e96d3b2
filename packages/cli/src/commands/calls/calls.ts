import { once } from "node:events";
import { type CallRecord, type HostMissing, parseDurationMs } from "@leveros/protocol";
import { askHosts, noteMissing } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { usageError } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { flag, onHost, optional, value } from "../../parameters.ts";
import type { Settings } from "../../settings.ts";
import { callHead, callRow, formatCalls } from "./format-calls.ts";

const duration = {
  parse: (text: string) => parseDurationMs(text),
  allowed: "a duration such as 100ms, 1.5s or 2m",
};
const count = {
  parse: (text: string) => (/^[1-9]\d{0,2}$|^1000$/.test(text) ? Number(text) : undefined),
  allowed: "a number from 1 to 1000",
};

export const calls: Command = command({
  name: "calls",
  summary: "list calls",
  description: "List the last calls of an environment, or those that run now.",
  arguments: { service: optional("name of a service") },
  options: {
    errors: flag("list only calls that failed"),
    slower: value("<time>", "list only calls that took longer: 100ms, 2s", duration),
    running: flag("list the calls that run or wait now, the longest first"),
    lines: value("<count>", "list so many calls at most (default: 100)", { ...count, short: "n" }),
    follow: flag("print each call as it ends, until Ctrl-C", { short: "f" }),
    on: onHost(),
    json: flag("print each call as a line of JSON"),
  },
  notes: `The host remembers its last 65,536 calls. It keeps those that failed, waited for an instance or were slow,
and one in a thousand, also when it starts again. Of one method it keeps at most one per second.
Times are local on a terminal, and UTC elsewhere.`,
  examples: [
    ["lever calls helloService --errors", "the calls of a service that failed"],
    ["lever calls --slower 100ms --follow", "slow calls as they end"],
    ["lever calls --running", "which methods run, since when, and who called them"],
    ["lever trace k7q-1z4x8", "one of them with everything that it called"],
  ],
  run: async ({ service, errors, slower, running, lines, follow, on, json }, readSettings) => {
    if (running && (follow || errors)) {
      throw usageError("Cannot list the calls: --running goes with neither --follow nor --errors.");
    }
    const filter = {
      ...(service !== undefined && { service }),
      ...(errors && { errors }),
      ...(slower !== undefined && { slowerThanMs: slower }),
      ...(running && { running }),
      limit: lines ?? 100,
    };
    const settings = readSettings();
    if (follow) return await followCalls(settings, filter, { on, json });
    const found = await askHosts(settings, on, "listCalls", settings.environment, filter);
    if (json) for (const call of found) printResult(JSON.stringify(call));
    else if (found.length === 0) printNote("There are no such calls.");
    else printResult(formatCalls(found, { isLocal: process.stdout.isTTY }));
  },
});

async function followCalls(
  { environment, host, token }: Settings,
  filter: object,
  { on, json }: { readonly on: string | undefined; readonly json: boolean },
): Promise<void> {
  const { Client } = await import("leveros");
  const stream = await new Client({ forceHost: host, token })
    .service("admin.lever", "admin")
    .invokeChan("watchCallsChan", environment, filter, { on });
  process.stdout.on("error", () => stream.cancel());
  let hasHead = json;
  for await (const message of stream) {
    const call = message as CallRecord | { readonly lost: number } | HostMissing;
    if (json) printResult(JSON.stringify(call));
    else if ("lost" in call) printNote(`${call.lost} calls were too fast to be shown.`);
    else if ("missing" in call) noteMissing(call.missing);
    else {
      const hasHosts = call.host !== undefined;
      if (!hasHead) printResult(formatRow(callHead({ hasHosts })));
      hasHead = true;
      printResult(formatRow(callRow(call, { isLocal: process.stdout.isTTY, hasHosts })));
    }
    if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
  }
}

/** Rows that come one at a time cannot be as wide as those that follow. */
const WIDTHS = [12, 12, 28, 8, 18];

function formatRow(row: readonly string[]): string {
  return row
    .map((cell, column) => cell.padEnd(WIDTHS[column] ?? 0))
    .join("  ")
    .trimEnd();
}
