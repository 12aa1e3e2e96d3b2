import type { Stats } from "node:fs";
import { lstat, readdir, readlink, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import type { IgnoreRules } from "./ignore-rules.ts";

/** A file, folder or symbolic link that goes into the archive. */
export interface FolderEntry {
  /** Below the service folder, with `/`. */
  readonly path: string;
  readonly stats: Stats;
}

export interface FolderListing {
  /** In the order in which they are packed, which is always the same. */
  readonly entries: readonly FolderEntry[];
  /** Of all files together. */
  readonly bytes: number;
  /** Sentences about what cannot be packed. */
  readonly problems: readonly string[];
}

/** Lists what of a folder is to be packed. The folder is an absolute path without links in it. */
export async function listEntries(folder: string, rules: IgnoreRules): Promise<FolderListing> {
  const entries: FolderEntry[] = [];
  const problems: string[] = [];
  // Not recursive: folders may be nested deeper than calls can be.
  const open = [""];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const names = await readdir(join(folder, at));
    const found = await Promise.all(
      names.map(async (name) => {
        const path = at === "" ? name : `${at}/${name}`;
        return { path, stats: await lstat(join(folder, path)) };
      }),
    );
    for (const entry of found) {
      const { path, stats } = entry;
      if (rules.leavesOut(path, stats.isDirectory())) continue;
      if (stats.isDirectory()) open.push(path);
      else if (!stats.isFile() && !stats.isSymbolicLink()) {
        problems.push(
          `${path}: it is a ${kindOf(stats)}; allowed are files, folders, and links that stay inside the folder.`,
        );
        continue;
      }
      entries.push(entry);
    }
  }
  entries.sort((a, b) => (a.path < b.path ? -1 : 1));
  problems.push(...(await checkLinks(folder, entries, rules)));
  let bytes = 0;
  for (const { stats } of entries) if (stats.isFile()) bytes += stats.size;
  return { entries, bytes, problems };
}

/** Symbolic links must lead to something that is in the archive too. */
async function checkLinks(
  folder: string,
  entries: readonly FolderEntry[],
  rules: IgnoreRules,
): Promise<string[]> {
  const packed = new Set(entries.map(({ path }) => path));
  const problems: string[] = [];
  for (const { path, stats } of entries) {
    if (!stats.isSymbolicLink()) continue;
    const link = join(folder, path);
    const target = await readlink(link);
    const resolved = await realpath(link).catch(() => undefined);
    const inside = resolved === undefined ? undefined : pathBelow(folder, resolved);
    const problem =
      resolved === undefined
        ? "where nothing is"
        : inside === undefined
          ? "which is not inside the folder"
          : isAbsolute(target)
            ? "an absolute path, which means nothing on the host; make it a relative link"
            : inside !== "" && !packed.has(inside)
              ? `which is left out${rules.file === undefined ? "" : ` by ${rules.file}`}`
              : undefined;
    if (problem === undefined) continue;
    const remedy =
      inside === undefined && resolved !== undefined && path.split("/").includes("node_modules")
        ? " Packages from a folder nearby become part of this one with: npm install --install-links"
        : "";
    problems.push(`${path}: it is a link to ${target}, ${problem}.${remedy}`);
  }
  return problems;
}

/** With `/`, `""` for the folder itself; undefined when the path is not below it. */
function pathBelow(folder: string, path: string): string | undefined {
  const below = relative(folder, path);
  const isOutside = below === ".." || below.startsWith(`..${sep}`) || isAbsolute(below);
  return isOutside ? undefined : below.split(sep).join("/");
}

function kindOf(stats: Stats): string {
  if (stats.isSocket()) return "socket";
  if (stats.isFIFO()) return "named pipe";
  return "device";
}
