import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Environment variables: XDG_CONFIG_HOME names the folder of the user's settings. */
type Variables = Readonly<Record<string, string | undefined>>;

/** The file in which `lever login` stores tokens. Only its user can read it. */
function credentialsFile(variables: Variables): string {
  const config = variables["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return join(config, "lever", "credentials.json");
}

function readAll(path: string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof read === "object" && read !== null ? { ...read } : {};
  } catch {
    // Missing, or damaged: the next login writes it again.
    return {};
  }
}

/** A token for a host with TLS must not be sent to the same host without TLS. */
function keyOf({ protocol, host, origin }: URL): string {
  return protocol === "https:" ? origin : host;
}

/** Returns the stored token for a host, or undefined. */
export function readCredential(hostUrl: URL, variables: Variables): string | undefined {
  const token = readAll(credentialsFile(variables))[keyOf(hostUrl)];
  return typeof token === "string" ? token : undefined;
}

/** Stores the token for a host; undefined removes it. Returns the path of the file. */
export function writeCredential(
  hostUrl: URL,
  token: string | undefined,
  variables: Variables,
): string {
  const path = credentialsFile(variables);
  const { [keyOf(hostUrl)]: _replaced, ...others } = readAll(path);
  const all = token === undefined ? others : { ...others, [keyOf(hostUrl)]: token };
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // A crash in the middle must not damage the tokens for other hosts.
  const text = `${JSON.stringify(all, undefined, 2)}\n`;
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  return path;
}
