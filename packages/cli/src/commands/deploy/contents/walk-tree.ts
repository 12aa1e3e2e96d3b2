import type { Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { CommandError, exitStatus } from "../../../exit-status.ts";
import type { IgnoreEntry } from "./git-ignore.ts";

/** An entry of the file system that is not excluded. */
export interface TreeEntry {
  /** The absolute path. */
  readonly file: string;
  readonly stats: Stats;
}

export interface WalkOptions {
  ignoresIn(folder: string): Promise<IgnoreEntry>;
  /** Leaves an entry out, whatever the rules. */
  skips(folder: string, name: string): boolean | Promise<boolean>;
}

function cannotRead(folder: string, cause: unknown): CommandError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CommandError(exitStatus.failed, `Cannot read ${folder}: ${reason}.`, { cause });
}

/** The history of the code, and the data of a host that runs in the folder. */
const NEVER_PACKED: ReadonlySet<string> = new Set([".git", ".lever"]);

/** Walks through a folder. It and everything in it is passed on, folders before their entries. */
export async function* walkTree(top: string, options: WalkOptions): AsyncGenerator<TreeEntry> {
  // Not recursive: deeply nested folders would overflow the call stack.
  const open: TreeEntry[] = [{ file: top, stats: await lstat(top) }];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    yield at;
    if (!at.stats.isDirectory()) continue;
    const { file: folder } = at;
    const names = await readdir(folder).catch((cause: unknown) => {
      throw cannotRead(folder, cause);
    });
    const ignores = await options.ignoresIn(folder);
    const found = await Promise.all(
      names.map(async (name) => {
        const file = join(folder, name);
        if (NEVER_PACKED.has(name) || (await options.skips(folder, name))) return undefined;
        // It may have been removed meanwhile, as temporary files are.
        const stats = await lstat(file).catch(() => undefined);
        return stats === undefined ? undefined : { name, file, stats };
      }),
    );
    for (const entry of found) {
      if (entry === undefined || ignores(entry.name, entry.stats.isDirectory())) continue;
      open.push(entry);
    }
  }
}
