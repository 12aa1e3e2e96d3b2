import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { LeverError } from "@leveros/protocol";
import type { DatabaseAddress } from "./postgres-url.ts";

/**
 * The password for a server: from its URL, PGPASSWORD, or PostgreSQL's password file (PGPASSFILE, `~/.pgpass`), as its own
 * tools find it. Read for each connection, so that a new password needs no restart.
 */
export function findPassword(
  address: DatabaseAddress,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const given = address.password ?? env["PGPASSWORD"];
  if (given !== undefined) return given;
  const file = env["PGPASSFILE"] ?? join(homedir(), ".pgpass");
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if ((found.mode & 0o077) !== 0) {
    throw new LeverError(
      "unavailable",
      `Cannot use the password file ${file}: other users may read it. Run: chmod 600 ${file}`,
    );
  }
  return passwordIn(readFileSync(file, "utf8"), address);
}

/** A field is text without colons; a backslash escapes a character (https://www.postgresql.org/docs/current/libpq-pgpass.html). */
const FIELD = /(?:[^:\\]|\\.)+/g;

/** The password of the first line for the server. */
export function passwordIn(text: string, address: DatabaseAddress): string | undefined {
  const host = address.host.startsWith("/") ? "localhost" : address.host;
  const wanted = [host, String(address.port), address.database, address.user];
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const fields = (line.match(FIELD) ?? []).map((field) => field.replace(/\\(.)/g, "$1"));
    if (fields.length !== wanted.length + 1) continue;
    if (wanted.every((value, at) => fields[at] === "*" || fields[at] === value)) return fields[4];
  }
  return undefined;
}
