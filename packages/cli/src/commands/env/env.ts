import type { EnvironmentListing } from "@leveros/protocol";
import type { Command } from "commander";
import { callAdmin } from "../../call-admin.ts";
import { printNote, printResult } from "../../output.ts";
import { readSettings } from "../../settings.ts";
import { formatTable } from "../../table.ts";

const HELP = `
An environment is a host name that isolates a set of services: it has its own services, variables and data, and its
private services can only be called from within.

Examples:
  lever env create staging.lever
  lever -E staging.lever deploy ./hello
  lever env ls
  lever env open staging.lever           anyone may call its services, once there are tokens
  lever env network staging.lever none   nothing but Lever's own calls
  lever env network staging.lever dns 192.0.2.7:5432
  lever env rm staging.lever --force     with its services, and all they have kept`;

export function declareEnv(program: Command): void {
  const env = program
    .command("env")
    .summary("create, list and remove environments")
    .description("Create, list and remove environments.")
    .addHelpText("after", HELP);
  env
    .command("create")
    .description("Create an environment.")
    .argument("<name>", "a host name, such as staging.lever")
    .action(async (name: string) => {
      await callAdmin(readSettings(program), "createEnvironment", name);
      printResult(`There is an environment ${name} now.`);
    });
  env
    .command("ls")
    .description("List the environments.")
    .option("--json", "print the list as JSON")
    .action(async (options: { json?: true }) => {
      const listings = (await callAdmin(
        readSettings(program),
        "listEnvironments",
      )) as EnvironmentListing[];
      printResult(options.json ? JSON.stringify(listings) : formatEnvironments(listings));
    });
  for (const [name, isPublic] of [
    ["open", true],
    ["close", false],
  ] as const) {
    env
      .command(name)
      .description(
        isPublic
          ? "Let anyone call an environment's services, with no token."
          : "Let only who has a token call an environment's services, once there are tokens.",
      )
      .argument("<name>", "its name")
      .action(async (environment: string) => {
        await callAdmin(readSettings(program), "setPublic", environment, isPublic);
        printNote(
          `${environment} is ${isPublic ? "open to anyone" : "for those with a token"} now.`,
        );
      });
  }
  env
    .command("network")
    .description("Set what an environment's instances may reach by their own network, at once.")
    .argument("<name>", "its name")
    .argument(
      "<reach...>",
      "internet (the default), none, or what alone they may reach: dns, addresses, networks, each with a port or all",
    )
    .action(async (environment: string, reach: readonly string[]) => {
      const [first] = reach;
      const isWord = reach.length === 1 && (first === "internet" || first === "none");
      await callAdmin(readSettings(program), "setNetwork", environment, isWord ? first : reach);
      printNote(`Instances of ${environment} reach ${reach.join(", ")} now, and nothing else.`);
    });
  env
    .command("rm")
    .description("Remove an environment.")
    .argument("<name>", "its name")
    .option("--force", "also when it has services: they go with it, and all they have kept")
    .action(async (name: string, options: { force?: true }) => {
      const force = options.force === true;
      await callAdmin(readSettings(program), "removeEnvironment", name, { force });
      printNote(`The environment ${name} is gone.`);
    });
}

function formatEnvironments(listings: readonly EnvironmentListing[]): string {
  const rows = listings.map(({ environment, services, corsOrigins, public: isPublic, network }) => [
    environment,
    String(services),
    isPublic ? "anyone" : "with a token",
    typeof network === "string" ? network : network.join(", "),
    corsOrigins.includes("*") ? "any" : corsOrigins.join(", ") || "none",
  ]);
  return formatTable([["ENVIRONMENT", "SERVICES", "CALLERS", "REACHES", "PAGES OF"], ...rows]);
}
