import { askHosts } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { jsonFlag, onHost } from "../../parameters.ts";
import { formatStatus } from "./format-status.ts";

export const status: Command = command({
  name: "status",
  summary: "show the state of the host",
  description: "Show the host's version, uptime, isolation, disk and database, and what to see to.",
  options: { on: onHost(), json: jsonFlag("the state") },
  notes: `It needs the right "look" in all environments. GET /-/ready is open to all, and answers 200 while the host takes
calls.`,
  examples: [
    ["lever status"],
    ["lever status --json | jq -e '.warnings == []'", "fails while there is a warning"],
  ],
  run: async ({ on, json }, readSettings) => {
    const found = await askHosts(readSettings(), on, "getStatus");
    printResult(json ? JSON.stringify(found) : formatStatus(found, Date.now()));
  },
});
