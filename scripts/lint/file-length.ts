/** A source file has at most 300 lines, unless its first comment says why it is one file: `One file: <reason>`. */
import type { Fault, Repository } from "./repository.ts";

const LINES_MAX = 300;

export function fileLengthFaults({ sources }: Pick<Repository, "sources">): readonly Fault[] {
  return sources.flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    if (lines <= LINES_MAX || /\bOne file: /.test(text.slice(0, 1_000))) return [];
    return [
      {
        path,
        line: LINES_MAX + 1,
        reason: `the file has ${lines} lines; allowed are ${LINES_MAX}`,
      },
    ];
  });
}
