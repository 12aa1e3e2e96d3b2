import { readFile } from "node:fs/promises";
import { join } from "node:path";
import ignore from "ignore";

/** What of a service folder is left out of its archive. */
export interface IgnoreRules {
  /** The name of the file that the rules are from; undefined when the folder has none. */
  readonly file: string | undefined;
  /** For a path below the folder, with `/`. What is in a folder that is left out is left out too. */
  leavesOut(path: string, isFolder: boolean): boolean;
}

const IGNORE_FILES = [".leverignore", ".gitignore"] as const;
/** Never part of a service: the history of its code, and the data of a host that was started in the folder. */
const NEVER_PACKED = new Set([".git", ".lever"]);
const ALWAYS_PACKED = "lever.json";

/**
 * Reads the rules of a folder: of its `.leverignore`, or else of its `.gitignore`. The latter keeps `node_modules` out
 * of a repository, where a service needs it: only a `.leverignore` can leave that out.
 */
export async function readIgnoreRules(folder: string): Promise<IgnoreRules> {
  for (const file of IGNORE_FILES) {
    const text = await readFile(join(folder, file), "utf8").catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (text !== undefined) return createIgnoreRules(file, text);
  }
  return createIgnoreRules(undefined, "");
}

export function createIgnoreRules(file: IgnoreRules["file"], text: string): IgnoreRules {
  const rules = ignore({ ignorecase: false }).add(text.replace(/^\uFEFF/, ""));
  return {
    file,
    leavesOut(path, isFolder) {
      const segments = path.split("/");
      if (segments.some((segment) => NEVER_PACKED.has(segment))) return true;
      if (path === ALWAYS_PACKED) return false;
      if (file === ".gitignore" && segments.includes("node_modules")) return false;
      return rules.ignores(isFolder ? `${path}/` : path);
    },
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
