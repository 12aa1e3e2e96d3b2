import type { RollbackReport } from "@leveros/protocol";
import type { Command } from "commander";
import { callAdmin } from "../../call-admin.ts";
import { usageError } from "../../exit-status.ts";
import { printResult } from "../../output.ts";
import { readSettings } from "../../settings.ts";

const HELP = `
The version is started before it gets its first call; the instances of the version that was live finish what they have.
Not one call fails. When it cannot start, nothing changes. lever ls <service> lists the versions that are kept.

Examples:
  lever rollback helloService       to the version before the live one
  lever rollback helloService 3     to version 3, older or newer`;

export function declareRollback(program: Command): void {
  program
    .command("rollback")
    .summary("make an older version live again")
    .description("Make an older version of a service the live one again.")
    .argument("<service>", "name of the service")
    .argument("[version]", "its number (default: the newest that is older than the live one)")
    .option("--json", "print the report as JSON")
    .addHelpText("after", HELP)
    .action(async (service: string, version: string | undefined, options: { json?: true }) => {
      const settings = readSettings(program);
      if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) {
        throw usageError(
          `Cannot roll back to version ${JSON.stringify(version)}: allowed is a number such as 3.`,
        );
      }
      const wanted = version === undefined ? undefined : Number(version);
      const report = (await callAdmin(
        settings,
        "rollBackService",
        settings.environment,
        service,
        wanted,
      )) as RollbackReport;
      printResult(options.json ? JSON.stringify(report) : formatRollback(report));
    });
}

function formatRollback(report: RollbackReport): string {
  const { service, environment, version, previousVersion } = report;
  return version === previousVersion
    ? `Version ${version} of ${service} is live in ${environment} already.`
    : `Version ${version} of ${service} is live in ${environment} again, instead of version ${previousVersion}.`;
}
