import type { AuditEntry } from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { moment } from "../../moment.ts";
import { printNote, printResult } from "../../output.ts";
import { jsonFlag, value } from "../../parameters.ts";
import { shownTime } from "../../shown-time.ts";
import { formatTable } from "../../table.ts";

export const audit: Command = command({
  name: "audit",
  summary: "show who changed what",
  description: "Show the last thousand changes through the admin service, oldest first.",
  options: {
    since: value("<time>", "show only later changes: 10m, 2h, 1d, 14:00, 2026-01-31", moment),
    json: jsonFlag("the list"),
  },
  notes: `BY is the id of a token (lever token ls), "local" for a caller on the host's own machine before there were tokens,
or "reset" for lever token reset. TARGET is the service, token or environment that was changed, and VERSION the version
that was deployed, made live, restarted or removed, also of a deploy that failed. OUTCOME is "done", or the code of
the error. Times are local on a terminal, and UTC elsewhere.`,
  examples: [
    ["lever audit"],
    ["lever audit --since 1d", "the changes of the last 24 hours"],
    ["lever audit --json | jq '.[] | select(.outcome != \"done\")'", "the rejected changes"],
  ],
  run: async ({ since, json }, readSettings) => {
    const all = await callAdmin(readSettings(), "listAudit");
    const entries = all.filter(({ at }) => since === undefined || new Date(at) >= since);
    if (json) printResult(JSON.stringify(entries));
    else if (entries.length === 0) printNote("There are no changes yet.");
    else printResult(formatAudit(entries, { isLocal: process.stdout.isTTY }));
  },
});

export function formatAudit(
  entries: readonly AuditEntry[],
  options: { readonly isLocal: boolean },
): string {
  const rows = entries.map(({ at, principal, method, environment, target, version, outcome }) => [
    shownTime(at, options),
    principal,
    method,
    environment,
    target,
    version === undefined ? "" : String(version),
    outcome,
  ]);
  const at = options.isLocal ? "AT" : "AT (UTC)";
  return formatTable([
    [at, "BY", "METHOD", "ENVIRONMENT", "TARGET", "VERSION", "OUTCOME"],
    ...rows,
  ]);
}
