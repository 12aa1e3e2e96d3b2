import { dirname, posix } from "node:path";
import { lineAt, type TextFile } from "./repository.ts";

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Only types: nothing is loaded. */
  readonly isTypeOnly: boolean;
  /** Loaded when the code reaches it, by `import()`. */
  readonly isDynamic: boolean;
}

const IMPORT =
  /(?:^|\s)(?:import|export)\s+(type\s)?[^;"]*?from\s+"([^"]+)"|import\("([^"]+)"\)|^import\s+"([^"]+)"/gm;

export function importsOf({ text }: TextFile): readonly Import[] {
  return [...text.matchAll(IMPORT)].map((match) => ({
    specifier: match[2] ?? match[3] ?? match[4] ?? "",
    line: lineAt(text, match.index + match[0].length),
    isTypeOnly: match[1] !== undefined,
    isDynamic: match[3] !== undefined,
  }));
}

/** The path that a relative specifier leads to; undefined for modules of Node and of other packages. */
export function importedPath(file: TextFile, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.join(dirname(file.path), specifier) : undefined;
}
