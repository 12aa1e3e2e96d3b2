import { readFileSync } from "node:fs";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { dirname, resolve } from "node:path";

/** Bounds the search: files and characters that are read. */
const FILES_MAX = 1_000;
const LENGTH_MAX = 10_000_000;

/**
 * Finds the place of a syntax error in an ES module, among the files that `entry` imports, itself included. Returns the file,
 * the line, its text and a mark below it, as Node shows them for CommonJS; undefined = none was found.
 */
export function findSyntaxError(entry: string, { message }: SyntaxError): string | undefined {
  const [, module = "", name = ""] = MISSING_EXPORT.exec(message) ?? [];
  const paths = new Set([entry]);
  let lengthLeft = LENGTH_MAX;
  for (const path of paths) {
    const source = readModule(path);
    lengthLeft -= source.length;
    if (lengthLeft < 0) return undefined;
    // CommonJS modules have their own place in the error.
    if (/^\s*(?:import|export)\b/m.test(source)) {
      const place =
        module === "" ? placeIn(path, source) : importIn(path, source, { module, name });
      if (place !== undefined) return place;
    }
    for (const [, specifier = ""] of source.matchAll(IMPORTS)) {
      const imported = paths.size < FILES_MAX ? resolveFrom(path, specifier) : undefined;
      if (imported !== undefined) paths.add(imported);
    }
  }
  return undefined;
}

/** The only error of a module's syntax that is found when it is linked. */
const MISSING_EXPORT = /^The requested module '(.+)' does not provide an export named '(.+)'$/;
const IMPORTS = /\b(?:from|import|require)\s*\(?\s*["']([^"'\n]{1,500})["']/g;

function readModule(path: string): string {
  try {
    return /\.(?:[cm]?js|jsx|[cm]?ts|tsx)$/.test(path) ? readFileSync(path, "utf8") : "";
  } catch {
    return "";
  }
}

function resolveFrom(path: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return resolve(dirname(path), specifier);
  try {
    const found = createRequire(path).resolve(specifier);
    return found.startsWith("/") ? found : undefined;
  } catch {
    return undefined;
  }
}

/** The place of a name in a statement that imports it from a module. */
function importIn(
  path: string,
  source: string,
  { module, name }: Record<"module" | "name", string>,
): string | undefined {
  for (const statement of source.matchAll(/^\s*(?:import|export)\b[^;'"]*["']([^"'\n]+)["']/gm)) {
    const at = statement[0].indexOf(name);
    if (statement[1] === module) return placeAt(path, source, statement.index + Math.max(0, at));
  }
  return undefined;
}

/** Node's parser for TypeScript names the place of an error. Types, which it accepts, are errors in JavaScript, too. */
function placeIn(path: string, source: string): string | undefined {
  try {
    const stripped = stripTypeScriptTypes(source, { sourceUrl: path });
    for (let at = 0; at < source.length; at++) {
      if (source[at] !== stripped[at]) return placeAt(path, source, at);
    }
    return undefined;
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? "") : "";
    const [, line] = /^.*:(\d+)\n/.exec(stack) ?? [];
    const [, indent] = /^(\s*)\^+$/m.exec(stack) ?? [];
    if (line === undefined || indent === undefined) return undefined;
    return show(path, source, { line: Number(line), column: indent.length });
  }
}

function placeAt(path: string, source: string, at: number): string {
  const before = source.slice(0, at).split("\n");
  return show(path, source, { line: before.length, column: before.at(-1)?.length ?? 0 });
}

/** `line` counts from 1, `column` from 0. */
function show(
  path: string,
  source: string,
  { line, column }: Record<"line" | "column", number>,
): string {
  return `${path}:${line}\n${source.split("\n")[line - 1] ?? ""}\n${" ".repeat(column)}^`;
}
