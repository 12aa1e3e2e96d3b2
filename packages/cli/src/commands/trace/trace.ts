import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { jsonFlag, required } from "../../parameters.ts";
import { formatTrace } from "./format-trace.ts";

export const trace: Command = command({
  name: "trace",
  summary: "show a call and the calls that it made",
  description: "Show where the time of a call went, and where it failed.",
  arguments: { call: required("id of a call, as in lever-call and in problems", "call") },
  options: { json: jsonFlag("the calls") },
  notes: `Each call is a bar on the time of all of them; a ✗ marks one that failed. Below it are the time that it waited for
an instance, with the phases of the instance's start, and the error. Calls in its course are indented.
The header lever-call of an answer has the id of a call. Every call whose request has lever-trace: 1 is kept.`,
  examples: [
    ["lever trace k7q-1z4x8", "a call by its id"],
    ["lever calls --errors", "the ids of calls that failed"],
    ["lever trace k7q-1z4x8 --json | jq '.calls[].ms'"],
  ],
  run: async ({ call, json }, readSettings) => {
    const settings = readSettings();
    const found = await callAdmin(settings, "getTrace", settings.environment, call);
    printResult(json ? JSON.stringify(found) : formatTrace(found, process.stdout.columns ?? 100));
  },
});
