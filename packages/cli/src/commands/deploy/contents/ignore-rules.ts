import { join, posix } from "node:path";
import ignore from "ignore";
import type { ArchiveLayout } from "./archive-layout.ts";
import { GitIgnore, type IgnoreEntry, readText } from "./git-ignore.ts";

/** The files of rules that a service folder follows. */
type RulesFile = ".leverignore" | ".gitignore";

/** The rules that decide which files of a service folder, and of the packages it links to, are not packed. */
export interface IgnoreRules {
  readonly file: RulesFile;
  /** The rules for the entries of a folder. */
  in(folder: string): Promise<IgnoreEntry>;
  /** The nearest ignored folder above a file of a folder, or the file itself, or undefined if it is not ignored. */
  ignoredPart(folder: string, path: string): Promise<string | undefined>;
}

/**
 * Reads the rules of a service: its `.leverignore`, or else those of git. A `.gitignore` usually lists `node_modules`,
 * which a service needs, so only a `.leverignore` can exclude what is in there.
 */
export async function readIgnoreRules(
  layout: ArchiveLayout,
  gitTop: string,
): Promise<{ own: IgnoreRules; git: IgnoreRules }> {
  const git = new GitIgnore(gitTop);
  const gitRules: IgnoreRules = {
    file: ".gitignore",
    in: async (folder) => (layout.isInstalled(folder) ? () => false : await git.in(folder)),
    ignoredPart: (folder, path) => git.ignoredPart(folder, path),
  };
  const text = readText(join(layout.folder, ".leverignore"));
  if (text === undefined) return { own: gitRules, git: gitRules };
  const rules = ignore({ ignorecase: false }).add(text.replace(/^\uFEFF/, ""));
  const ignores = (path: string, isFolder: boolean): boolean =>
    rules.ignores(isFolder ? `${path}/` : path);
  const own: IgnoreRules = {
    file: ".leverignore",
    in: async (folder) => {
      const path = layout.pathOf(folder) ?? "";
      return (name, isFolder) => ignores(posix.join(path, name), isFolder);
    },
    ignoredPart: async (_folder, path) => (ignores(path, false) ? path : undefined),
  };
  return { own, git: gitRules };
}
