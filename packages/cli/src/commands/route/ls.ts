import type { RouteListing } from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printNote, printResult } from "../../output.ts";
import { jsonFlag } from "../../parameters.ts";
import { formatTable } from "../../table.ts";

export const listRoutes: Command = command({
  name: "ls",
  summary: "list the routes",
  description: "List the host names that lead to services of the environment.",
  options: { json: jsonFlag("the list") },
  examples: [["lever route ls"], ["lever route ls --json | jq '.[].host'"]],
  run: async ({ json }, readSettings) => {
    const settings = readSettings();
    const { environment } = settings;
    const routes = await callAdmin(settings, "listRoutes", environment);
    if (json) printResult(JSON.stringify(routes));
    else if (routes.length > 0) printResult(formatRoutes(routes));
    else {
      printNote(
        `There are no routes to services of ${environment}. To add one: lever ${settings.flags}route add <host name> <service>`,
      );
    }
  },
});

export function formatRoutes(routes: readonly RouteListing[]): string {
  const rows = routes.map(({ host, path, service }) => [host + path, service || "by its label"]);
  return formatTable([["ADDRESS", "SERVICE"], ...rows]);
}
