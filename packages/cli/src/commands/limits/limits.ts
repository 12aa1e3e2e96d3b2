import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { jsonFlag } from "../../parameters.ts";
import { formatLimits } from "./format-limits.ts";

export const limits: Command = command({
  name: "limits",
  summary: "list the limits of the host",
  description:
    "List every limit of the host: its value, where the value comes from, and what it bounds.",
  options: { json: jsonFlag("the list") },
  notes:
    "Limits are set when the host starts: lever up --limit NAME=VALUE. Units are in the names.",
  examples: [
    ["lever limits"],
    ["lever limits --json | jq '.[] | select(.setBy != \"default\")'", "the limits that were set"],
  ],
  run: async ({ json }, readSettings) => {
    const listings = await callAdmin(readSettings(), "listLimits");
    printResult(json ? JSON.stringify(listings) : formatLimits(listings));
  },
});
