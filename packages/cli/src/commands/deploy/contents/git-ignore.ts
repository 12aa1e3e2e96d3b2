import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ignore from "ignore";
import { pathBelow } from "./archive-layout.ts";

/** Decides about the entries of one folder. */
export type IgnoreEntry = (name: string, isFolder: boolean) => boolean;

interface Level {
  /** Rules of this folder and of those above, as they would be in a .gitignore of the top folder. */
  readonly lines: readonly string[];
  readonly rules: ignore.Ignore;
}

/**
 * The rules of all .gitignore files below a top folder, and of its `.git/info/exclude`, as git applies them: rules of
 * deeper folders win, and within an ignored folder no rule brings anything back.
 */
export class GitIgnore {
  readonly #top: string;
  readonly #levels = new Map<string, Promise<Level>>();

  /** @param top the folder of the repository, or any other where the rules begin. */
  constructor(top: string) {
    this.#top = top;
  }

  /** The rules for the entries of a folder that is itself packed. If it is ignored, those above it do not count. */
  async in(folder: string): Promise<IgnoreEntry> {
    const { rules } = await this.#level(folder);
    const prefix = pathBelow(this.#top, folder) ?? "";
    return (name, isFolder) =>
      isIgnored(rules, prefix === "" ? name : `${prefix}/${name}`, isFolder);
  }

  /** The nearest ignored folder above a file, or the file itself, or undefined if it is not ignored. */
  async ignoredPart(folder: string, path: string): Promise<string | undefined> {
    const segments = path.split("/");
    for (const [index, name] of segments.entries()) {
      const above = segments.slice(0, index);
      const ignores = await this.in(join(folder, ...above));
      if (ignores(name, index < segments.length - 1)) return [...above, name].join("/");
    }
    return undefined;
  }

  #level(folder: string): Promise<Level> {
    const known = this.#levels.get(folder);
    if (known !== undefined) return known;
    const level = this.#read(folder);
    this.#levels.set(folder, level);
    return level;
  }

  async #read(folder: string): Promise<Level> {
    const path = pathBelow(this.#top, folder) ?? "";
    const above = path === "" ? await this.#topLevel() : await this.#level(dirname(folder));
    const kept = isIgnored(above.rules, path, true) ? [] : above.lines;
    const own = linesOf(readText(join(folder, ".gitignore")));
    if (own.length === 0 && kept === above.lines) return above;
    const lines = [...kept, ...own.map((line) => scopeLine(line, path))];
    return { lines, rules: rulesOf(lines) };
  }

  async #topLevel(): Promise<Level> {
    const lines = linesOf(readText(join(this.#top, ".git/info/exclude")));
    return { lines, rules: rulesOf(lines) };
  }
}

/** Writes a line of a folder's .gitignore as a line of one in the top folder. */
export function scopeLine(line: string, folder: string): string {
  if (folder === "" || line.startsWith("#")) return line;
  const isNegated = line.startsWith("!");
  const pattern = isNegated ? line.slice(1) : line;
  const trimmed = pattern.trimEnd().replace(/\/$/, "");
  if (trimmed === "") return "";
  const prefix = `${isNegated ? "!" : ""}/${folder.replace(/[\\*?[\]]/g, "\\$&")}`;
  if (trimmed.startsWith("/")) return prefix + pattern;
  return trimmed.includes("/") ? `${prefix}/${pattern}` : `${prefix}/**/${pattern}`;
}

function isIgnored(rules: ignore.Ignore, path: string, isFolder: boolean): boolean {
  return path !== "" && rules.ignores(isFolder ? `${path}/` : path);
}

function rulesOf(lines: readonly string[]): ignore.Ignore {
  return ignore({ ignorecase: false, allowRelativePaths: true }).add(lines);
}

function linesOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.replace(/^\uFEFF/, "").split(/\r?\n/);
}

/** Returns undefined for a file that does not exist. */
export function readText(file: string): string | undefined {
  // Most folders have none, and an error costs more than this.
  if (!existsSync(file)) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw error;
  }
}
