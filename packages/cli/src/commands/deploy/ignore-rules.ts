import { readFile } from "node:fs/promises";
import { join } from "node:path";
import ignore from "ignore";

/** Which files of a service folder are not part of its archive. */
export interface IgnoreRules {
  /** The name of the file with the rules; undefined if the folder has none. */
  readonly file: string | undefined;
  /** Whether a path below the folder, with `/`, is ignored. Nothing in an ignored folder is packed. */
  ignores(path: string, isFolder: boolean): boolean;
}

const IGNORE_FILES = [".leverignore", ".gitignore"] as const;
/** The history of the code, and the data of a host that runs in the folder. */
const NEVER_PACKED = new Set([".git", ".lever"]);
const ALWAYS_PACKED = "lever.json";

/**
 * Reads the rules of a folder from its `.leverignore`, or else from its `.gitignore`. A `.gitignore` usually lists
 * `node_modules`, which a service needs, so only a `.leverignore` can exclude that folder.
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
    ignores(path, isFolder) {
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
