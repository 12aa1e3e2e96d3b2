/** A source file has at most 300 lines, unless it starts with a comment `One file, although long: <reason>` (or `One class`). */
import type { Fault, Repository } from "./repository.ts";

const LINES_MAX = 300;

export function fileLengthFaults({ sources }: Pick<Repository, "sources">): readonly Fault[] {
  return sources.flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    if (lines <= LINES_MAX || /^\/\/ One (?:file|class), although long: /.test(text)) return [];
    return [
      {
        path,
        line: LINES_MAX + 1,
        reason: `the file has ${lines} lines; allowed are ${LINES_MAX}`,
      },
    ];
  });
}
