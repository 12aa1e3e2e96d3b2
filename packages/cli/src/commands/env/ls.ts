import type { EnvironmentListing } from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { jsonFlag } from "../../parameters.ts";
import { formatTable } from "../../table.ts";

export const listEnvironments: Command = command({
  name: "ls",
  summary: "list the environments",
  description:
    "List the environments: who may call their services, what their instances can reach, and which web pages may call.",
  options: { json: jsonFlag("the list") },
  examples: [["lever env ls"], ["lever env ls --json | jq '.[].environment'"]],
  run: async ({ json }, readSettings) => {
    const listings = await callAdmin(readSettings(), "listEnvironments");
    printResult(json ? JSON.stringify(listings) : formatEnvironments(listings));
  },
});

export function formatEnvironments(listings: readonly EnvironmentListing[]): string {
  const rows = listings.map(({ environment, services, corsOrigins, public: isPublic, network }) => [
    environment,
    String(services),
    isPublic ? "anyone" : "with a token",
    typeof network === "string" ? network : network.join(", "),
    corsOrigins.includes("*") ? "any" : corsOrigins.join(", ") || "none",
  ]);
  return formatTable([["ENVIRONMENT", "SERVICES", "CALLERS", "NETWORK", "ORIGINS"], ...rows]);
}
