import type { Command } from "commander";
import { callAdmin } from "../../call-admin.ts";
import { CommandError, exitStatus } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { readSettings, type Settings } from "../../settings.ts";

const HELP = `
Examples:
  lever ls                      the services of this environment
  lever ls helloService         its versions, methods and instances
  lever -E prod.lever ls        of another environment
  lever ls --json | jq '.[].service'`;

export function declareLs(program: Command): void {
  program
    .command("ls")
    .summary("list services")
    .description("List the services of an environment, or all about one of them.")
    .argument("[service]", "name of a service")
    .option("--json", "print the list as JSON")
    .addHelpText("after", HELP)
    .action((service: string | undefined, options: { json?: true }) =>
      ls(service, { ...options, settings: readSettings(program) }),
    );
}

async function ls(
  service: string | undefined,
  options: { json?: true; settings: Settings },
): Promise<void> {
  const { settings } = options;
  const { environment } = settings;
  const { parseListings } = await import("./parse-listings.ts");
  const all = parseListings(await callAdmin(settings, "listServices", environment));
  const listings = service === undefined ? all : all.filter((one) => one.service === service);
  if (service !== undefined && listings.length === 0) {
    const names = all.length === 0 ? "none" : all.map((one) => one.service).join(", ");
    throw new CommandError(
      exitStatus.lever,
      `There is no service ${service} in ${environment}. There are: ${names}.`,
    );
  }
  if (options.json) {
    printResult(JSON.stringify(listings));
    return;
  }
  const { formatService, formatServices } = await import("./format-listings.ts");
  const [first] = listings;
  if (first === undefined) {
    printNote(
      `There are no services in ${environment} yet. Deploy a folder with a lever.json in it:\n  lever ${settings.flags}deploy <dir>`,
    );
  } else if (service === undefined) {
    printResult(formatServices(listings, Date.now()));
  } else {
    printResult(formatService(first, Date.now()));
  }
}
