import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** The tag of a file whose tests measure, load the whole machine, or look at what all hosts of a machine share. */
export const ALONE = "alone";

/** The test files that have the tag in a comment at their top: `// @module-tag alone`. */
export function filesAlone(patterns: readonly string[]): string[] {
  const exclude = (name: string): boolean => name === "node_modules";
  return globSync(patterns, { cwd: root, exclude }).filter((file) =>
    readFileSync(join(root, file), "utf8").startsWith(`// @module-tag ${ALONE}\n`),
  );
}
