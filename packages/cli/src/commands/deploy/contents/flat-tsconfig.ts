import { dirname, join, resolve } from "node:path";
import { findTsconfig, parseTsconfig, type TsConfigJsonResolved } from "get-tsconfig";
import type { ArchiveLayout } from "./archive-layout.ts";
import { withArchivedPaths } from "./archived-paths.ts";
import type { CodeEntry } from "./contents.ts";
import { readText } from "./git-ignore.ts";

const NAME = "tsconfig.json";
/** Options whose paths are relative to the folder of the tsconfig.json. */
const PATH_OPTIONS = ["baseUrl", "paths", "rootDir", "rootDirs", "outDir", "typeRoots"] as const;

/**
 * Makes each tsconfig.json of the sources independent of files that stay at home: it gets the options of those that it
 * extends. A service without a tsconfig.json gets the options of the one above, which tsc uses for it.
 * @param top the folder above which no tsconfig.json is looked up.
 * @returns notes about those that cannot be read.
 */
export async function flattenTsconfigs(
  entries: Map<string, CodeEntry>,
  { layout, top, isTypeScript }: { layout: ArchiveLayout; top: string; isTypeScript: boolean },
): Promise<readonly string[]> {
  const notes: string[] = [];
  for (const entry of [...entries.values()]) {
    const { path } = entry;
    // References of a tsconfig.json lead to others, such as tsconfig.app.json.
    const isTsconfig = /(?:^|\/)tsconfig(?:\.[^/]*)?\.json$/.test(path);
    if (entry.kind !== "file" || !isTsconfig || layout.isInstalled(entry.source)) continue;
    // Without these, it depends on no file outside of the folder.
    if (!/"extends"|"\.\.\//.test(readText(entry.source) ?? "")) continue;
    try {
      const { source } = entry;
      const config = withArchivedPaths(readTsconfig(source), { source, path, layout });
      entries.set(path, { kind: "text", path, text: asText(config) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      notes.push(`${path} is packed as it is: what it extends cannot be read (${reason}).`);
    }
  }
  if (isTypeScript && !entries.has(NAME)) {
    const options = readAbove(layout.folder, top);
    if (options !== undefined) entries.set(NAME, { kind: "text", path: NAME, text: options });
  }
  return notes;
}

function readAbove(folder: string, top: string): string | undefined {
  if (folder === top) return undefined;
  const file = findTsconfig(join(dirname(folder), NAME));
  if (file === undefined || !`${file}/`.startsWith(`${top}/`)) return undefined;
  try {
    const { compilerOptions = {} } = readTsconfig(file);
    const isKept = ([name]: readonly [string, unknown]): boolean =>
      !PATH_OPTIONS.some((option) => option === name);
    return asText({
      compilerOptions: Object.fromEntries(Object.entries(compilerOptions).filter(isKept)),
    });
  } catch {
    return undefined;
  }
}

/** The options as written. The library adds defaults of older versions of TypeScript, of which these change meaning. */
function readTsconfig(file: string): TsConfigJsonResolved {
  const texts = new Map<string, string>();
  const config = parseTsconfig(file, texts);
  const isWritten = (name: string): boolean =>
    [...texts.values()].some((text) => String(text).includes(`"${name}"`));
  const isKept = ([name]: readonly [string, unknown]): boolean =>
    (name !== "module" && name !== "moduleResolution") || isWritten(name);
  const { compilerOptions = {} } = config;
  return {
    ...config,
    compilerOptions: {
      ...Object.fromEntries(Object.entries(compilerOptions).filter(isKept)),
      ...absolutePaths(compilerOptions),
    },
  };
}

/** `paths` without `baseUrl` are relative to the file that they are written in, which the library names by a symbol. */
function absolutePaths({
  paths,
  ...options
}: NonNullable<TsConfigJsonResolved["compilerOptions"]>): object {
  const symbol = Object.getOwnPropertySymbols(options).find(
    ({ description }) => description === "implicitBaseUrl",
  );
  const base: unknown = symbol && Reflect.get(options, symbol);
  if (paths === undefined || typeof base !== "string") return {};
  const absolute = ([pattern, targets]: readonly [string, string[]]): [string, string[]] => [
    pattern,
    targets.map((target) => resolve(base, target)),
  ];
  return { paths: Object.fromEntries(Object.entries(paths).map(absolute)) };
}

function asText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
