/**
 * Lets services run the TypeScript that the deploy has transformed, and see the positions of their sources in stacks, in each
 * thread and each Node program of an instance.
 */
import { readFileSync } from "node:fs";
import { setSourceMapsSupport } from "node:module";
import { join } from "node:path";
import { provideSources } from "./source-hooks.ts";

/**
 * `typescript`: the deploy has transformed sources. `packages`: it has transformed sources of packages, too. `maps`: there
 * is no TypeScript, but the entry has a source map.
 */
type Mode = "typescript" | "packages" | "maps";

/** Worker threads and forked processes inherit the mode in this variable. */
const MODE = "LEVEROS_MODULES";
/** Written when the folder has been transformed (deployer/transformed-files.ts in the host). */
export const MARKER = ".lever-transformed";
const MAP_COMMENT = "//# sourceMappingURL=";

/**
 * Prepares Node for a service's modules. Must be called before the entry is loaded. A service without TypeScript and
 * source maps costs it two reads.
 */
export function prepareModules(codeDir: string, entry: string): void {
  const mode = transformMode(codeDir) ?? (hasSourceMap(join(codeDir, entry)) ? "maps" : undefined);
  if (mode === undefined) return;
  process.env[MODE] = mode;
  useMode(mode);
}

/** Prepares a further thread, or a program that the service has started, as its process was prepared. */
export function inheritModules(): void {
  const inherited = process.env[MODE];
  if (isMode(inherited)) useMode(inherited);
}

function useMode(mode: Mode): void {
  // The maps of other packages would take memory.
  setSourceMapsSupport(true, { nodeModules: mode === "packages", generatedCode: false });
  if (mode !== "maps") provideSources();
}

function transformMode(codeDir: string): Mode | undefined {
  try {
    const mode = readFileSync(join(codeDir, MARKER), "utf8").trim();
    return isMode(mode) ? mode : undefined;
  } catch {
    return undefined;
  }
}

function isMode(value: string | undefined): value is Mode {
  return value === "typescript" || value === "packages" || value === "maps";
}

function hasSourceMap(path: string): boolean {
  try {
    return readFileSync(path).lastIndexOf(MAP_COMMENT) >= 0;
  } catch {
    return false;
  }
}
