import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isJsonObject } from "@leveros/protocol";

const PACKAGE_JSON_BYTES_MAX = 256 * 1024;

/** Warns of a package `leveros` of the original Lever OS: instances get this Lever's client instead (ADR 4). */
export async function warnOfOriginalClient(codeDir: string): Promise<readonly string[]> {
  const file = join(codeDir, "node_modules/leveros/package.json");
  const found = await lstat(file).catch(() => undefined);
  if (found?.isFile() !== true || found.size > PACKAGE_JSON_BYTES_MAX) return [];
  const { version, dependencies } = parse(await readFile(file, "utf8"));
  if (isJsonObject(dependencies) && Object.hasOwn(dependencies, "@leveros/protocol")) return [];
  const shown = typeof version === "string" ? version.slice(0, 40) : "without a version";
  return [
    `node_modules/leveros is the client of the original Lever OS (${shown}). The service gets the client of this Lever instead. To remove the old one: npm uninstall leveros`,
  ];
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
