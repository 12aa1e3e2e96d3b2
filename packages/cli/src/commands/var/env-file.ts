import { readFile, stat } from "node:fs/promises";
import { parseEnv } from "node:util";
import { usageError } from "../../exit-status.ts";

/** More than all variables of a service together may have by default. */
const BYTES_MAX = 4 * 1024 * 1024;

/**
 * The variables of a .env file, as Node reads it: comments, quotes, values of several lines, `export`.
 * @throws CommandError when it cannot be read, or has none.
 */
export async function readEnvFile(path: string): Promise<Readonly<Record<string, string>>> {
  const values = parseEnv(await readText(path)) as Record<string, string>;
  if (Object.keys(values).length > 0) return values;
  throw usageError(`Cannot read ${path}: it has no line of the form NAME=value.`);
}

async function readText(path: string): Promise<string> {
  let bytes: number;
  try {
    ({ size: bytes } = await stat(path));
    if (bytes <= BYTES_MAX) return await readFile(path, "utf8");
  } catch (error) {
    throw usageError(`Cannot read ${path}: ${String(error).replace(/^Error: /, "")}.`);
  }
  throw usageError(`Cannot read ${path}: it has ${bytes} bytes; allowed are ${BYTES_MAX}.`);
}
