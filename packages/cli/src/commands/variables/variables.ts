import type { RestartReport, VariableListing } from "@leveros/protocol";
import type { Command } from "commander";
import { callAdmin } from "../../call-admin.ts";
import { CommandError, exitStatus, usageError } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { formatAge } from "../../quantity.ts";
import { readSettings, type Settings } from "../../settings.ts";
import { formatTable } from "../../table.ts";

const ABOUT = `
Every service of the environment sees it, or with --service only that one, whose own win. Instances that run are
replaced as by a deploy, so that no call fails.`;

const VAR_HELP = `${ABOUT}

Examples:
  lever var set LOG_LEVEL=debug
  lever var set LOG_LEVEL=info --service helloService
  lever var unset LOG_LEVEL
  lever var ls`;

const SECRET_HELP = `${ABOUT}
A secret is a variable whose value Lever keeps encrypted, and never tells again. It is read from standard input, so that
it is neither in the list of processes nor in the shell's history.

Examples:
  printf %s "$TOKEN" | lever secret set TOKEN --service helloService
  lever secret unset TOKEN --service helloService
  lever secret ls`;

interface PlaceOptions {
  readonly service?: string;
}

export function declareVar(program: Command): void {
  const group = program
    .command("var")
    .summary("set variables that services see")
    .description("Set, remove and list the variables that services see.")
    .addHelpText("after", VAR_HELP);
  group
    .command("set")
    .description("Set a variable.")
    .argument("<NAME=value>", "its name and value")
    .option("--service <service>", "only for this service")
    .action(async (text: string, options: PlaceOptions) => {
      const [, name = "", value = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
      if (name === "")
        throw usageError(`Cannot set ${JSON.stringify(text)}: allowed is NAME=value.`);
      await set(readSettings(program), { name, value, isSecret: false, ...options });
    });
  declareRest(program, group, { isSecret: false });
}

export function declareSecret(program: Command): void {
  const group = program
    .command("secret")
    .summary("set secrets that services see")
    .description("Set, remove and list the secrets that services see.")
    .addHelpText("after", SECRET_HELP);
  group
    .command("set")
    .description("Set a secret, whose value is read from standard input.")
    .argument("<NAME>", "its name")
    .option("--service <service>", "only for this service")
    .action(async (name: string, options: PlaceOptions) => {
      if (process.stdin.isTTY) {
        throw usageError(
          `Cannot read the secret from a terminal, where it could be seen. Pipe it in: printf %s "$VALUE" | lever secret set ${name}`,
        );
      }
      const value = (await readInput()).replace(/\r?\n$/, "");
      await set(readSettings(program), { name, value, isSecret: true, ...options });
    });
  declareRest(program, group, { isSecret: true });
}

function declareRest(program: Command, group: Command, { isSecret }: { isSecret: boolean }): void {
  const what = isSecret ? "secret" : "variable";
  group
    .command("unset")
    .description(`Remove a ${what}.`)
    .argument("<NAME>", "its name")
    .option("--service <service>", "that was set only for this service")
    .action(async (name: string, options: PlaceOptions) => {
      const settings = readSettings(program);
      const { environment } = settings;
      const service = options.service ?? "";
      const report = await callAdmin(settings, "unsetVariable", environment, service, name);
      tell(`${name} is not set any more.`, report as RestartReport);
    });
  group
    .command("ls")
    .description(`List the ${what}s of the environment.`)
    .option("--json", "print the list as JSON")
    .action(async (options: { json?: true }) => {
      const settings = readSettings(program);
      const all = (await callAdmin(
        settings,
        "listVariables",
        settings.environment,
      )) as VariableListing[];
      const listings = all.filter(({ secret }) => secret === isSecret);
      printResult(options.json ? JSON.stringify(listings) : formatVariables(listings, isSecret));
    });
}

async function set(
  settings: Settings,
  options: PlaceOptions & { name: string; value: string; isSecret: boolean },
): Promise<void> {
  const { name, value, isSecret, service = "" } = options;
  const { environment } = settings;
  const wanted = { secret: isSecret };
  const report = await callAdmin(
    settings,
    "setVariable",
    environment,
    service,
    name,
    value,
    wanted,
  );
  tell(
    `${name} is set for ${service === "" ? `every service of ${environment}` : service}.`,
    report as RestartReport,
  );
}

function tell(done: string, { restarted, failed }: RestartReport): void {
  printResult(done);
  if (restarted.length > 0) printNote(`Instances were replaced: ${restarted.join(", ")}.`);
  if (failed.length === 0) return;
  const reasons = failed.map(({ service, reason }) => `${service}: ${reason}`);
  throw new CommandError(
    exitStatus.lever,
    `Some services do not start with the change, and go on without it:\n${reasons.join("\n")}`,
  );
}

function formatVariables(listings: readonly VariableListing[], isSecret: boolean): string {
  const now = Date.now();
  const rows = listings.map(({ service, name, value, setAt }) => [
    name,
    service === "" ? "all" : service,
    formatAge(Date.parse(setAt), now),
    ...(isSecret ? [] : [value ?? ""]),
  ]);
  return formatTable([["NAME", "SERVICE", "AGE", ...(isSecret ? [] : ["VALUE"])], ...rows]);
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
