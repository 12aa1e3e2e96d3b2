import { DEFAULT_ENVIRONMENT, LeverError, parseLeverUrl } from "@leveros/protocol";
import { currentContext } from "./contexts.ts";
import { readCredential } from "./credentials.ts";
import { usageError } from "./exit-status.ts";
import { parseHostAddress } from "./host-address.ts";

const DEFAULT_HOST = "127.0.0.1:8080";

/** The options of every command, before or after its name. They win over the variables. */
export const settingsOptions: readonly { flags: string; description: string }[] = [
  {
    flags: "-E, --env <environment>",
    description: `environment to work in (default: LEVEROS_ENV, the context's, or ${DEFAULT_ENVIRONMENT})`,
  },
  {
    flags: "-H, --host <host:port>",
    description: `address of the Lever host (default: LEVEROS_IP_PORT, the context's, or ${DEFAULT_HOST})`,
  },
];

/** Which host a command calls, in which environment, and with which token. */
export interface Settings {
  readonly environment: string;
  /** `host:port`, or a URL, as the user gave it. */
  readonly host: string;
  /** The host as a URL. */
  readonly hostUrl: URL;
  /** undefined = call without a token. */
  readonly token: string | undefined;
  /** The given flags, for commands that are suggested to the user. Ends in a space unless empty. */
  readonly flags: string;
}

/**
 * Reads the settings from the flags and, for those that are missing, from environment variables and then from the context
 * that is used. An empty variable counts as missing. A context's environment belongs to its host.
 * @throws CommandError when the environment or the address is not valid.
 */
export function readSettings(
  flags: { readonly env?: string; readonly host?: string },
  variables: Readonly<Record<string, string | undefined>>,
): Settings {
  const givenHost = flags.host || variables["LEVEROS_IP_PORT"];
  const context = givenHost ? undefined : currentContext(variables);
  const environment = readEnvironment(
    flags.env || variables["LEVEROS_ENV"] || context?.environment || DEFAULT_ENVIRONMENT,
    "-E or LEVEROS_ENV",
  );
  const host = givenHost || context?.host || DEFAULT_HOST;
  const hostUrl = parseHostAddress(host);
  if (hostUrl === undefined) {
    throw usageError(
      `Cannot use ${JSON.stringify(host)} as the host (-H or LEVEROS_IP_PORT): allowed is HOST:PORT, such as ${DEFAULT_HOST}.`,
    );
  }
  const token = variables["LEVEROS_TOKEN"] || readCredential(hostUrl, variables);
  const repeated = `${flags.host ? `-H ${host} ` : ""}${flags.env ? `-E ${environment} ` : ""}`;
  return { environment, host, hostUrl, token, flags: repeated };
}

/**
 * Returns the name of an environment in lower case.
 * @param source where the user wrote it, for the error.
 * @throws CommandError when it is not a host name.
 */
export function readEnvironment(text: string, source: string): string {
  try {
    // As part of a URL, so that there is one rule for the names of environments.
    const { environment, resource } = parseLeverUrl(`lever://${text}/-/-`);
    if (resource === "") return environment;
  } catch (error) {
    if (!(error instanceof LeverError)) throw error;
  }
  throw usageError(
    `Cannot use ${JSON.stringify(text)} as the environment (${source}): allowed is a host name, such as ${DEFAULT_ENVIRONMENT}.`,
  );
}
