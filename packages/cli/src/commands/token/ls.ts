import type { TokenListing } from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printNote, printResult } from "../../output.ts";
import { jsonFlag } from "../../parameters.ts";
import { formatAge } from "../../quantity.ts";
import { formatTable } from "../../table.ts";

export const listTokens: Command = command({
  name: "ls",
  summary: "list the tokens",
  description: "List the tokens with their rights. The tokens themselves are not shown.",
  options: { json: jsonFlag("the list") },
  examples: [["lever token ls"], ["lever token ls --json | jq '.[].id'"]],
  run: async ({ json }, readSettings) => {
    const listings = await callAdmin(readSettings(), "listTokens");
    if (json) printResult(JSON.stringify(listings));
    else if (listings.length === 0) {
      printNote("There are no tokens: callers on the host's own machine may do everything.");
    } else printResult(formatTokens(listings, Date.now()));
  },
});

export function formatTokens(listings: readonly TokenListing[], nowMs: number): string {
  const rows = listings.map(({ id, environments, rights, createdAt, expiresAt, note }) => [
    id,
    environments.join(","),
    rights.join(","),
    formatAge(Date.parse(createdAt), nowMs),
    expiresAt?.slice(0, 16).replace("T", " ") ?? "never",
    note,
  ]);
  return formatTable([
    ["TOKEN", "ENVIRONMENTS", "RIGHTS", "AGE", "EXPIRES (UTC)", "NOTE"],
    ...rows,
  ]);
}
