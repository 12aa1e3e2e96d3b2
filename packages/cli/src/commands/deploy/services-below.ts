import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { IgnoreEntry } from "./contents/git-ignore.ts";

const DEPTH_MAX = 4;
const FOLDERS_READ_MAX = 2_000;
const FOUND_MAX = 20;

export interface SearchOptions {
  readonly depthMax: number;
  readonly foundMax: number;
  /** The folder itself may be a service, too. */
  readonly includesTop: boolean;
  /** Entries that are left out, besides `node_modules` and names that begin with a dot. */
  readonly ignoresIn?: (folder: string) => Promise<IgnoreEntry>;
}

/** Paths relative to the folder that was searched, `""` for itself. */
export interface FoundServices {
  /** Folders with a lever.json, sorted. */
  readonly services: readonly string[];
  /** The other folders that were read. A service may appear in them. */
  readonly folders: readonly string[];
}

/** Finds service folders below a folder: those with a lever.json. Sorted, relative to it. */
export async function findServicesBelow(folder: string): Promise<readonly string[]> {
  const { services } = await searchServices(folder, {
    depthMax: DEPTH_MAX,
    foundMax: FOUND_MAX,
    includesTop: false,
  });
  return services;
}

/** Finds service folders below a folder, level by level. Nothing is searched within a service. */
export async function searchServices(
  folder: string,
  { depthMax, foundMax, includesTop, ignoresIn }: SearchOptions,
): Promise<FoundServices> {
  const services: string[] = [];
  const folders: string[] = [];
  let level = [""];
  for (let depth = 0; depth <= depthMax && services.length < foundMax; depth++) {
    const next: string[] = [];
    for (const path of level) {
      if (folders.length + services.length >= FOLDERS_READ_MAX) break;
      const at = join(folder, path);
      const entries = await readdir(at, { withFileTypes: true }).catch(() => []);
      const mayBeService = path !== "" || includesTop;
      if (mayBeService && entries.some((entry) => entry.name === "lever.json" && entry.isFile())) {
        services.push(path);
        continue;
      }
      folders.push(path);
      const ignores = await ignoresIn?.(at);
      for (const { name } of entries.filter((entry) => entry.isDirectory())) {
        if (name.startsWith(".") || name === "node_modules" || ignores?.(name, true)) continue;
        next.push(join(path, name));
      }
    }
    level = next;
  }
  return { services: services.sort().slice(0, foundMax), folders };
}
