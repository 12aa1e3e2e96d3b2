import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A file's path from the repository's root, with slashes, and its text. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** The texts that the lints look at. */
export interface Repository {
  readonly root: string;
  /** TypeScript files in packages/<package>/src, tests included. */
  readonly sources: readonly TextFile[];
  /** TypeScript files of tests/ and bench/. */
  readonly outsiders: readonly TextFile[];
  readonly architecture: TextFile;
  /** Markdown files, without those that others have written. */
  readonly documents: readonly TextFile[];
}

/** A place that breaks a rule. */
export interface Fault {
  readonly path: string;
  /** 1 = the first. */
  readonly line: number;
  readonly reason: string;
}

export function readRepository(root: string): Repository {
  const read = (path: string): TextFile => ({
    path: path.replaceAll("\\", "/"),
    text: readFileSync(join(root, path), "utf8"),
  });
  return {
    root,
    sources: globSync("packages/*/src/**/*.{ts,tsx}", { cwd: root }).sort().map(read),
    outsiders: globSync("{tests,bench}/**/*.ts", {
      cwd: root,
      exclude: (path) => path.includes("node_modules"),
    })
      .sort()
      .map(read),
    architecture: read("ARCHITECTURE.md"),
    documents: globSync("{*.md,{docs,examples,bench,packages,tests}/**/*.md}", {
      cwd: root,
      exclude: (path) => path.includes("node_modules"),
    })
      .sort()
      .map(read),
  };
}

export function isTest({ path }: TextFile): boolean {
  return path.endsWith(".test.ts");
}

/** The line of a text that a position is on; 1 = the first. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < position; at = text.indexOf("\n", at + 1)) {
    line++;
  }
  return line;
}
