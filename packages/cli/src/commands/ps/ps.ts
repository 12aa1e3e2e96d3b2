import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { askHosts } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult, printScreen } from "../../output.ts";
import { flag, onHost, optional } from "../../parameters.ts";
import { formatInstances } from "./format-instances.ts";

/** Time between two lists of --watch. */
const WATCH_MS = 1_000;

export const ps: Command = command({
  name: "ps",
  summary: "list instances",
  description: "List the instances of an environment with their state, load, memory and age.",
  arguments: { service: optional("name of a service") },
  options: {
    on: onHost(),
    watch: flag("list them every second, until Ctrl-C"),
    json: flag("print the list as JSON; with --watch one line per list"),
  },
  notes: `States:
  starting       the process runs and loads the service
  ready          it receives calls
  unresponsive   the process does not respond; it receives no calls until it does
  draining       it finishes its calls and receives no new ones
  stopping       it has received the signal TERM`,
  examples: [
    ["lever ps", "every instance of this environment"],
    ["lever ps helloService", "the instances of one service"],
    ["lever ps --watch", "a new list every second"],
    ["lever ps --json | jq '.instances[].pid'"],
  ],
  run: async ({ service, on, watch, json }, readSettings) => {
    const settings = readSettings();
    const { environment } = settings;
    do {
      const report = await askHosts(settings, on, "listInstances", environment, service ?? null);
      const text = json ? JSON.stringify(report) : formatInstances(report, Date.now());
      if (watch && !json) printScreen(text);
      else printResult(text);
      if (!watch) return;
      if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
      await delay(WATCH_MS);
    } while (!process.stdout.destroyed);
  },
});
