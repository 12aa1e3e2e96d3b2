import type { LimitListing } from "@leveros/protocol";
import type { Command } from "commander";
import { callAdmin } from "../../call-admin.ts";
import { printResult } from "../../output.ts";
import { readSettings } from "../../settings.ts";
import { formatTable } from "../../table.ts";

const HELP = `
Limits are set when the host starts: lever up --limit name=value. Units are in the names.`;

export function declareLimits(program: Command): void {
  program
    .command("limits")
    .summary("list what the host bounds")
    .description("List every limit of the host: its value, where it was set, and what it bounds.")
    .option("--json", "print the list as JSON")
    .addHelpText("after", HELP)
    .action(async (options: { json?: true }) => {
      const listings = (await callAdmin(readSettings(program), "listLimits")) as LimitListing[];
      printResult(options.json ? JSON.stringify(listings) : formatLimits(listings));
    });
}

function formatLimits(listings: readonly LimitListing[]): string {
  const rows = listings.map((limit) => [
    limit.name,
    String(limit.value),
    limit.value === limit.default ? limit.setBy : `${limit.setBy} (default ${limit.default})`,
    limit.about,
  ]);
  return formatTable([["LIMIT", "VALUE", "SET BY", "BOUNDS"], ...rows]);
}
