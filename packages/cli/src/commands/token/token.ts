import type { AuditEntry, CreatedToken, TokenListing } from "@leveros/protocol";
import { type Command, InvalidArgumentError } from "commander";
import { callAdmin } from "../../call-admin.ts";
import { writeCredential } from "../../credentials.ts";
import { usageError } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { formatAge } from "../../quantity.ts";
import { readSettings } from "../../settings.ts";
import { formatTable } from "../../table.ts";

const TOKEN_HELP = `
Before there is a token, whoever is on the host's own machine may do everything, and nobody else anything. From the
first one on, everybody needs one, except to call services of environments that are open (lever env open). The first
has to allow admin everywhere, for ever.

  invoke  call services
  deploy  deploy services, roll them back, and look at them
  admin   everything, in these environments

Examples:
  lever token create --in '*' --can admin --note me | lever login
  lever token create --in dev.lever --can deploy --expires 90d --note ci
  lever token ls
  lever token revoke 1f2e3d4c`;

const LOGIN_HELP = `
The token is read from standard input, so that it is neither in the list of processes nor in the shell's history. It is
kept for the host that -H names, in a file that only you can read. LEVEROS_TOKEN wins over it.

Examples:
  lever login < token.txt
  lever -H https://lever.example:443 login < token.txt
  lever login --forget`;

interface CreateOptions {
  readonly in?: readonly string[];
  readonly can: readonly string[];
  readonly expires?: number;
  readonly note?: string;
  readonly json?: true;
}

export function declareToken(program: Command): void {
  const group = program
    .command("token")
    .summary("create, list and revoke tokens")
    .description("Create, list and revoke tokens, which let people and programs in.")
    .addHelpText("after", TOKEN_HELP);
  group
    .command("create")
    .description("Create a token. It is printed once, and kept by nobody.")
    .option(
      "--in <environments>",
      "environments it is for, with commas; '*' = all (default: that of -E)",
      readList,
    )
    .requiredOption(
      "--can <rights>",
      "what it allows, with commas: invoke, deploy, admin",
      readList,
    )
    .option("--expires <time>", "after which it is of no use: 12h, 90d (default: never)", readDays)
    .option("--note <text>", "what it is for")
    .option("--json", "print it with all about it as JSON")
    .action(async (options: CreateOptions) => {
      const settings = readSettings(program);
      const created = (await callAdmin(settings, "createToken", {
        environments: options.in ?? [settings.environment],
        rights: options.can,
        ...(options.expires !== undefined && { expiresInMs: options.expires }),
        ...(options.note !== undefined && { note: options.note }),
      })) as CreatedToken;
      printResult(options.json ? JSON.stringify(created) : created.token);
      if (process.stdout.isTTY) printNote("It is not shown again. Use it here by: lever login");
    });
  group
    .command("ls")
    .description("List the tokens: what they allow, never themselves.")
    .option("--json", "print the list as JSON")
    .action(async (options: { json?: true }) => {
      const listings = (await callAdmin(readSettings(program), "listTokens")) as TokenListing[];
      printResult(options.json ? JSON.stringify(listings) : formatTokens(listings));
    });
  group
    .command("revoke")
    .description("Let nobody in with a token any more, from now on.")
    .argument("<id>", "as lever token ls shows it")
    .action(async (id: string) => {
      await callAdmin(readSettings(program), "revokeToken", id);
      printNote(`The token ${id} is of no use any more.`);
    });
}

export function declareLogin(program: Command): void {
  program
    .command("login")
    .summary("keep a token for a host")
    .description("Keep a token for a host, so that further commands send it.")
    .option("--forget", "forget the host's token instead")
    .addHelpText("after", LOGIN_HELP)
    .action(async ({ forget }: { forget?: true }) => {
      const { hostUrl, host } = readSettings(program);
      if (forget) {
        writeCredential(hostUrl, undefined);
        printNote(`The token for ${host} is forgotten here.`);
        return;
      }
      if (process.stdin.isTTY) printNote("Paste the token, then Enter and Ctrl-D:");
      let text = "";
      for await (const chunk of process.stdin) text += String(chunk);
      const token = text.trim();
      if (!/^lever_[\w-]{20,200}$/.test(token)) {
        throw usageError("Cannot log in: standard input has no token, such as lever_….");
      }
      printNote(`The token for ${host} is kept in ${writeCredential(hostUrl, token)}.`);
    });
}

export function declareAudit(program: Command): void {
  program
    .command("audit")
    .summary("show who has changed what")
    .description(
      "Show who has changed what by the admin service: the last thousand changes, oldest first.",
    )
    .option("--json", "print the list as JSON")
    .action(async (options: { json?: true }) => {
      const entries = (await callAdmin(readSettings(program), "listAudit")) as AuditEntry[];
      printResult(options.json ? JSON.stringify(entries) : formatAudit(entries));
    });
}

function formatTokens(listings: readonly TokenListing[]): string {
  if (listings.length === 0)
    return "No tokens: everybody on the host's own machine may do everything.";
  const now = Date.now();
  const rows = listings.map(({ id, environments, rights, createdAt, expiresAt, note }) => [
    id,
    environments.join(","),
    rights.join(","),
    formatAge(Date.parse(createdAt), now),
    expiresAt?.slice(0, 16).replace("T", " ") ?? "never",
    note,
  ]);
  return formatTable([["TOKEN", "ENVIRONMENTS", "RIGHTS", "AGE", "EXPIRES", "NOTE"], ...rows]);
}

function formatAudit(entries: readonly AuditEntry[]): string {
  if (entries.length === 0) return "Nothing has been changed yet.";
  const rows = entries.map(({ at, principal, method, environment, about, outcome }) => [
    at.slice(0, 19).replace("T", " "),
    principal,
    method,
    environment,
    about,
    outcome,
  ]);
  return formatTable([["WHEN (UTC)", "WHO", "WHAT", "ENVIRONMENT", "OF", "OUTCOME"], ...rows]);
}

function readList(text: string): readonly string[] {
  return text.split(",").map((name) => name.trim());
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function readDays(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const ms = Number(digits) * (UNIT_MS[unit] ?? 0);
  if (ms > 0) return ms;
  throw new InvalidArgumentError("Allowed is a number with m, h or d: 90d.");
}
