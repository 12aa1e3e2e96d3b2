import type { ScalingReport } from "@leveros/protocol";
import type { Command } from "commander";
import { callAdmin } from "../../call-admin.ts";
import { printResult } from "../../output.ts";
import { readSettings } from "../../settings.ts";
import { explainScaling } from "./explain-scaling.ts";

const HELP = `
Examples:
  lever explain helloService          in sentences, with the numbers behind them
  lever explain helloService --json   the numbers`;

export function declareExplain(program: Command): void {
  program
    .command("explain")
    .summary("tell why a service has so many instances")
    .description("Tell why a service has as many instances as it has, now and before.")
    .argument("<service>", "name of the service")
    .option("--json", "print the numbers as JSON")
    .addHelpText("after", HELP)
    .action(async (service: string, options: { json?: true }) => {
      const settings = readSettings(program);
      const report = (await callAdmin(
        settings,
        "explainService",
        settings.environment,
        service,
      )) as ScalingReport;
      printResult(options.json ? JSON.stringify(report) : explainScaling(report));
    });
}
