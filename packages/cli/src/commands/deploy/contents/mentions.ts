import { readFile } from "node:fs/promises";
import type { CodeEntry } from "./contents.ts";

const SOURCE = /\.(?:[cm]?[jt]sx?|json)$/;
/** Larger files are hardly written by hand. */
const SOURCE_BYTES_MAX = 1024 * 1024;
const ALL_BYTES_MAX = 64 * 1024 * 1024;

/** Whether a source names a file: as a part of a path, or as a string of its own. An extension may be missing. */
export function mentionsFile(source: string, name: string): boolean {
  const stem = name.replace(/\.[^.]+$/, "") || name;
  return [...new Set([name, stem])].some((text) => {
    const escaped = text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    return new RegExp(`["'\`/]${escaped}(?:\\.[cm]?js)?["'\`/]`).test(source);
  });
}

/** The names that a source among the files mentions; all of them if the sources are too many to read. */
export async function findMentioned(
  names: readonly string[],
  files: readonly CodeEntry[],
): Promise<ReadonlySet<string>> {
  const mentioned = new Set<string>();
  let bytesLeft = ALL_BYTES_MAX;
  for (const file of files) {
    if (mentioned.size === new Set(names).size) break;
    if (file.kind !== "file" || !SOURCE.test(file.path) || file.bytes > SOURCE_BYTES_MAX) continue;
    bytesLeft -= file.bytes;
    if (bytesLeft < 0) return new Set(names);
    const source = await readFile(file.source, "utf8");
    for (const name of names) if (mentionsFile(source, name)) mentioned.add(name);
  }
  return mentioned;
}
