import { readFileSync, statSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ENDINGS = [".ts", ".tsx", ".mts", ".cts", ".jsx", ".js", ".mjs", ".cjs", ".json"];
const SOURCES_OF: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx", ".jsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};

/**
 * The file that a specifier means to TypeScript; undefined = none. `error` is why Node cannot resolve it: of a package that
 * exports JavaScript which was never built, it names the file.
 */
export function findSource(
  specifier: string,
  { parentUrl, error }: { parentUrl: string | undefined; error: unknown },
): string | undefined {
  try {
    const missing = missingFile(error);
    const found = missing === undefined ? undefined : fileFor(missing);
    if (found !== undefined) return found;
    if (specifier.startsWith("file:")) return fileFor(fileURLToPath(specifier));
    if (specifier.startsWith("/")) return fileFor(specifier);
    if (parentUrl?.startsWith("file:") !== true) return undefined;
    if (/^\.{1,2}(?:\/|$)/.test(specifier)) {
      return fileFor(resolve(dirname(fileURLToPath(parentUrl)), specifier));
    }
    return /^[#:]|^node:/.test(specifier) ? undefined : packageFile(specifier, parentUrl);
  } catch {
    return undefined;
  }
}

function missingFile(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("url" in error && typeof error.url === "string") return fileURLToPath(error.url);
  // Errors of `require` have the path in their text only.
  return /^Cannot find module '(\/[^']+)'/.exec(error.message)?.[1];
}

/** The file for a path: itself, with another extension, with one added, or the index of a folder. */
function fileFor(path: string): string | undefined {
  const [, name = "", extension = ""] = /^(.*?)(\.[cm]?jsx?)?$/s.exec(path) ?? [];
  const candidates = [
    path,
    ...(SOURCES_OF[extension] ?? []).map((source) => name + source),
    ...ENDINGS.map((ending) => path + ending),
    ...ENDINGS.map((ending) => join(path, `index${ending}`)),
  ];
  return candidates.find(isFile);
}

/** A file of a package whose manifest names JavaScript that was never built, or leaves out extensions. */
function packageFile(specifier: string, parentUrl: string): string | undefined {
  const manifestPath = findPackageJSON(specifier, parentUrl);
  if (manifestPath === undefined) return undefined;
  const folder = dirname(manifestPath);
  const [, subpath = ""] = /^(?:@[^/]+\/)?[^/]+\/?(.*)$/.exec(specifier) ?? [];
  if (subpath !== "") return fileFor(join(folder, subpath));
  const manifest: unknown = JSON.parse(readFileSync(manifestPath, "utf8"));
  if (typeof manifest !== "object" || manifest === null) return undefined;
  const { exports, main } = manifest as { exports?: unknown; main?: unknown };
  for (const target of [...targets(exports), main, "index"]) {
    const found = typeof target === "string" ? fileFor(join(folder, target)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The files that a package exports as itself (`.`), under any condition but `types`. */
function targets(exports: unknown): readonly string[] {
  if (typeof exports === "string") return [exports];
  if (typeof exports !== "object" || exports === null) return [];
  const all = Object.entries(exports);
  const own = all.some(([key]) => key.startsWith(".")) ? all.filter(([key]) => key === ".") : all;
  return own.filter(([key]) => key !== "types").flatMap(([, value]) => targets(value));
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
