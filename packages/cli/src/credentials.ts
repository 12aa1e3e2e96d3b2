import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Where `lever login` keeps tokens: for its user's eyes only. */
function file(): string {
  const config = process.env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return join(config, "lever", "credentials.json");
}

function readAll(): Record<string, string> {
  try {
    const read: unknown = JSON.parse(readFileSync(file(), "utf8"));
    return typeof read === "object" && read !== null ? (read as Record<string, string>) : {};
  } catch {
    // None yet; or broken, and then to be made anew.
    return {};
  }
}

/** What is kept for TLS never goes to the same host without. */
function keyOf({ protocol, host, origin }: URL): string {
  return protocol === "https:" ? origin : host;
}

/** The token for a host; undefined when there is none. */
export function readCredential(hostUrl: URL): string | undefined {
  const token: unknown = readAll()[keyOf(hostUrl)];
  return typeof token === "string" ? token : undefined;
}

/** Keeps the token for a host, or with undefined forgets it. Returns the file. */
export function writeCredential(hostUrl: URL, token: string | undefined): string {
  const { [keyOf(hostUrl)]: _old, ...others } = readAll();
  const all = token === undefined ? others : { ...others, [keyOf(hostUrl)]: token };
  const path = file();
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${JSON.stringify(all, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return path;
}
