import { lstatSync, readdirSync, type Stats } from "node:fs";
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

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(exitStatus.failed, `Cannot read ${folder}: ${reason}.`, { cause });
  }
}

/** The history of the code, and the data of a host that runs in the folder. */
const NEVER_PACKED: ReadonlySet<string> = new Set([".git", ".lever"]);

/**
 * Walks through a folder. It and everything in it is passed on, folders before their entries. Synchronous calls: a promise
 * for each of some thousand entries takes several times as long as the call.
 */
export async function* walkTree(top: string, options: WalkOptions): AsyncGenerator<TreeEntry> {
  // Not recursive: deeply nested folders would overflow the call stack.
  const open: TreeEntry[] = [{ file: top, stats: lstatSync(top) }];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    yield at;
    if (!at.stats.isDirectory()) continue;
    const { file: folder } = at;
    const ignores = await options.ignoresIn(folder);
    for (const name of namesIn(folder)) {
      if (NEVER_PACKED.has(name)) continue;
      const isSkipped = options.skips(folder, name);
      // Not even a promise for each entry.
      if (isSkipped === true || (isSkipped !== false && (await isSkipped))) continue;
      const file = join(folder, name);
      // It may have been removed meanwhile, as temporary files are.
      const stats = lstatSync(file, { throwIfNoEntry: false });
      if (stats !== undefined && !ignores(name, stats.isDirectory())) open.push({ file, stats });
    }
  }
}
