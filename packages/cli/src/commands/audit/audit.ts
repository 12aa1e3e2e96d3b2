import type { AuditEntry } from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printNote, printResult } from "../../output.ts";
import { jsonFlag } from "../../parameters.ts";
import { formatTable } from "../../table.ts";

export const audit: Command = command({
  name: "audit",
  summary: "show who changed what",
  description: "Show the last thousand changes through the admin service, oldest first.",
  options: { json: jsonFlag("the list") },
  notes: `BY is the id of a token (lever token ls), or "local" for a caller on the host's own machine before there were tokens.
OUTCOME is "done", or the code of the error.`,
  examples: [
    ["lever audit"],
    ["lever audit --json | jq '.[] | select(.outcome != \"done\")'", "the rejected changes"],
  ],
  run: async ({ json }, readSettings) => {
    const entries = await callAdmin(readSettings(), "listAudit");
    if (json) printResult(JSON.stringify(entries));
    else if (entries.length === 0) printNote("There are no changes yet.");
    else printResult(formatAudit(entries));
  },
});

export function formatAudit(entries: readonly AuditEntry[]): string {
  const rows = entries.map(({ at, principal, method, environment, target, outcome }) => [
    at.slice(0, 19).replace("T", " "),
    principal,
    method,
    environment,
    target,
    outcome,
  ]);
  return formatTable([["AT (UTC)", "BY", "METHOD", "ENVIRONMENT", "TARGET", "OUTCOME"], ...rows]);
}
