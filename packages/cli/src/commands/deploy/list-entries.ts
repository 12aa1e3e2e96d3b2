import type { Stats } from "node:fs";
import { lstat, readdir, readlink, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import type { IgnoreRules } from "./ignore-rules.ts";

/** A file, folder or symbolic link for the archive. */
export interface FolderEntry {
  /** Relative to the service folder, with `/`. */
  readonly path: string;
  readonly stats: Stats;
}

export interface FolderListing {
  /** Sorted by path, so that the same files always make the same archive. */
  readonly entries: readonly FolderEntry[];
  /** The size of all files together. */
  readonly bytes: number;
  /** A sentence for each entry that cannot be packed. */
  readonly problems: readonly string[];
}

/** Lists the entries of a folder to pack. The folder is an absolute path without links. */
export async function listEntries(folder: string, rules: IgnoreRules): Promise<FolderListing> {
  const entries: FolderEntry[] = [];
  const problems: string[] = [];
  // Not recursive: deeply nested folders would overflow the call stack.
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
      if (rules.ignores(path, stats.isDirectory())) continue;
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

/** The target of a symbolic link must be in the archive, too. Returns a sentence for each link whose target is not. */
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
        ? "which does not exist"
        : inside === undefined
          ? "which is outside the folder"
          : isAbsolute(target)
            ? "an absolute path, which does not exist on the host; make it a relative link"
            : inside !== "" && !packed.has(inside)
              ? `which is excluded${rules.file === undefined ? "" : ` by ${rules.file}`}`
              : undefined;
    if (problem === undefined) continue;
    const remedy =
      inside === undefined && resolved !== undefined && path.split("/").includes("node_modules")
        ? " To copy linked packages into this folder: npm install --install-links"
        : "";
    problems.push(`${path}: it is a link to ${target}, ${problem}.${remedy}`);
  }
  return problems;
}

/** Returns the path relative to the folder, with `/`: "" for the folder itself, undefined outside of it. */
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
