import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

/**
 * The variables of a service in `.env` files: that of the folder with all services, that of its name beside it, and that of
 * its own folder. A later one wins. A file that is not there has none.
 */
export function serviceVariables(
  dir: string,
  { name, folder }: { readonly name: string; readonly folder: string },
): Readonly<Record<string, string>> {
  const files = [join(dir, ".env"), join(dir, `.env.${name}`), join(folder, ".env")];
  return Object.assign({}, ...[...new Set(files)].map(readVariables));
}

function readVariables(file: string): Readonly<Record<string, string | undefined>> {
  try {
    return parseEnv(readFileSync(file, "utf8"));
  } catch {
    return {};
  }
}
