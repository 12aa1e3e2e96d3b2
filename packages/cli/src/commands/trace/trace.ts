import type { LogRecord } from "@leveros/protocol";
import { askHosts } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { jsonFlag, onHost, required } from "../../parameters.ts";
import { formatTrace } from "./format-trace.ts";

/** Calls of a trace whose log lines are shown, and lines of each. */
const LOGGED_CALLS_MAX = 20;
const LINES_MAX = 20;

export const trace: Command = command({
  name: "trace",
  summary: "show a call and the calls that it made",
  description: "Show where the time of a call went, and where it failed.",
  arguments: {
    call: required("id of a call, as in lever-call and in problems, or of a kept trace", "call"),
  },
  options: { on: onHost(), json: jsonFlag("the calls and their log lines") },
  notes: `Each call is a bar on the time of all of them; a ✗ marks one that failed. Below it are the time that it waited for
an instance, with the phases of the instance's start, the error, and what it printed. Calls in its course are
indented, and so are the spans that its service recorded by @opentelemetry/api, with their attributes and events.
The header lever-call of an answer has the id of a call. Every call whose request has lever-trace: 1 is kept.`,
  examples: [
    ["lever trace k7q-1z4x8", "a call by its id"],
    ["lever calls --errors", "the ids of calls that failed"],
    ["lever trace k7q-1z4x8 --json | jq '.calls[].ms'"],
  ],
  run: async ({ call, on, json }, readSettings) => {
    const settings = readSettings();
    const found = await askHosts(settings, on, "getTrace", settings.environment, call);
    const logs: LogRecord[] = [];
    for (const { id } of found.calls.slice(0, LOGGED_CALLS_MAX)) {
      const filter = { call: id, max: LINES_MAX };
      const page = await askHosts(settings, on, "listLogs", settings.environment, filter);
      logs.push(...page.records);
    }
    if (json) printResult(JSON.stringify({ ...found, logs }));
    else printResult(formatTrace(found, logs, process.stdout.columns ?? 100));
  },
});
