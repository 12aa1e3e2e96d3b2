import { LeverError, parseLeverUrl } from "@leveros/protocol";
import { type Command, Option } from "commander";
import { readCredential } from "./credentials.ts";
import { usageError } from "./exit-status.ts";
import { parseHostAddress } from "./host-address.ts";

const DEFAULT_ENVIRONMENT = "dev.lever";
const DEFAULT_HOST = "127.0.0.1:8080";

/** What every command knows. */
export interface Settings {
  readonly environment: string;
  /** `host:port`, as it was given. */
  readonly host: string;
  /** The same as the start of a URL. */
  readonly hostUrl: URL;
  /** What lets the command in; undefined = nothing. */
  readonly token: string | undefined;
  /** The flags that were given, to repeat them in commands that the user may type next; ends in a space unless empty. */
  readonly flags: string;
}

/** Declares the options that every command takes, before or after its name. Flags win over variables. */
export function declareSettings(program: Command): void {
  program
    .addOption(
      new Option("-E, --env <environment>", "environment that relative URLs mean")
        .env("LEVEROS_ENV")
        .default(DEFAULT_ENVIRONMENT),
    )
    .addOption(
      new Option("-H, --host <host:port>", "where the Lever host is")
        .env("LEVEROS_IP_PORT")
        .default(DEFAULT_HOST),
    );
}

/** Reads what `declareSettings` declared. @throws CommandError for an environment or an address that cannot be. */
export function readSettings(program: Command): Settings {
  const { env, host } = program.opts<{ env: string; host: string }>();
  // An unset variable often arrives as the empty text.
  const environment = readEnvironment(env || DEFAULT_ENVIRONMENT, "-E or LEVEROS_ENV");
  const hostText = host || DEFAULT_HOST;
  const hostUrl = parseHostAddress(hostText);
  if (hostUrl === undefined) {
    throw usageError(
      `Cannot use ${JSON.stringify(hostText)} as the host (-H or LEVEROS_IP_PORT): allowed is HOST:PORT, such as ${DEFAULT_HOST}.`,
    );
  }
  const isHostFlag = program.getOptionValueSource("host") === "cli";
  const isEnvironmentFlag = program.getOptionValueSource("env") === "cli";
  const flags = `${isHostFlag ? `-H ${hostText} ` : ""}${isEnvironmentFlag ? `-E ${environment} ` : ""}`;
  const token = process.env["LEVEROS_TOKEN"] || readCredential(hostUrl);
  return { environment, host: hostText, hostUrl, token, flags };
}

/** The name of an environment in lower case. @throws CommandError that names where it came from. */
export function readEnvironment(text: string, source: string): string {
  try {
    // Read as part of a URL, so that there is one rule of what an environment's name can be.
    const { environment, resource } = parseLeverUrl(`lever://${text}/-/-`);
    if (resource === "") return environment;
  } catch (error) {
    if (!(error instanceof LeverError)) throw error;
  }
  throw usageError(
    `Cannot use ${JSON.stringify(text)} as the environment (${source}): allowed is a host name, such as ${DEFAULT_ENVIRONMENT}.`,
  );
}
