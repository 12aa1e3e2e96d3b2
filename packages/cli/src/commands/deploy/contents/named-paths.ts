import { stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { isInnerPath } from "@leveros/protocol";
import type { NeededPaths } from "./contents.ts";

/** A path in the folder that a lever.json names. */
export interface NamedPath {
  /** A file. For a folder it is one in there, because a rule to ignore may be for folders only. */
  readonly file: string;
  /** The path as it is named, without `.` and doubled slashes. */
  readonly path: string;
  readonly by: "jsEntry" | "static" | "command";
}

/** Finds the paths that a lever.json names. Of the words of a command, those that are in the folder count. */
export async function namedPaths(
  folder: string,
  { jsEntry, static: files, command = [] }: NeededPaths,
): Promise<NamedPath[]> {
  const found: NamedPath[] = [];
  if (jsEntry !== undefined) found.push({ file: jsEntry, path: jsEntry, by: "jsEntry" });
  if (files !== undefined) found.push({ file: fileIn(files), path: files, by: "static" });
  for (const [index, word] of command.entries()) {
    // The first word is a program elsewhere unless it has a slash.
    if (!isInnerPath(word) || (index === 0 && !word.includes("/"))) continue;
    const path = posix.normalize(word).replace(/\/$/, "");
    const stats = await stat(join(folder, path)).catch(() => undefined);
    // Packages are packed by rules of their own.
    if (stats === undefined || path.split("/").includes("node_modules")) continue;
    found.push({ file: stats.isDirectory() ? fileIn(path) : path, path, by: "command" });
  }
  return found;
}

const fileIn = (folder: string): string => `${folder}/index.html`;

/** True for a file that a command names, such as a program that was built. */
export function isNamedFile({ file, path, by }: NamedPath): boolean {
  return by === "command" && file === path;
}

/** Says why a part of the folder is needed in which a named path is, or which it is. */
export function whyNeeded(part: string, { path, by }: NamedPath): string {
  if (by === "command") {
    return part === path ? "the command names it" : `the command names ${path}`;
  }
  return part === path ? `it is the folder of ${by}` : `${by} is in it`;
}
