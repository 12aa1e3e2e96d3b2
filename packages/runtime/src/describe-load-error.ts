import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { UnusableModule } from "./list-methods.ts";
import { IMPORTER } from "./load-service.ts";

/** Longest reason that is reported when a service cannot be loaded, in characters. */
const REASON_LENGTH_MAX = 4_000;

/**
 * Formats an error for the service's author: with paths relative to the service, without stack frames of Node's loader and of
 * this program. A syntax error gets its place, which Node leaves out for ES modules.
 */
export async function describeLoadError(
  error: unknown,
  { codeDir, jsEntry = "" }: { readonly codeDir: string; readonly jsEntry?: string | undefined },
): Promise<string> {
  if (error instanceof UnusableModule) return error.message;
  const stack = error instanceof Error ? (error.stack ?? error.message) : inspect(error);
  return `${await placeOf(error, `${codeDir}/${jsEntry}`)}${stack}`
    .replaceAll(`${pathToFileURL(codeDir).href}/`, "")
    .replaceAll(`${codeDir}/`, "")
    .split("\n")
    .filter((line) => !isLineOfLever(line))
    .join("\n")
    .replaceAll(/ imported from data:text\/javascript,\S*/g, "")
    .trim()
    .slice(0, REASON_LENGTH_MAX);
}

async function placeOf(error: unknown, entry: string): Promise<string> {
  if (!(error instanceof SyntaxError) || error.stack?.startsWith("SyntaxError") !== true) return "";
  const { findSyntaxError } = await import("./find-syntax-error.ts");
  const place = findSyntaxError(entry, error);
  return place === undefined ? "" : `${place}\n\n`;
}

/** True for a line that is not the service's: a frame, or a module in a `require` stack. Its own paths are relative by now. */
function isLineOfLever(line: string): boolean {
  if (!/^\s+at |^- /.test(line)) return false;
  return (
    /\bnode:internal\b/.test(line) || line.includes(import.meta.dirname) || line.includes(IMPORTER)
  );
}
