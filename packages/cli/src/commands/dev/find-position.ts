/** A place in a source, as messages name it. Lines and columns begin at 1. */
export interface Position {
  readonly path: string;
  readonly line: number;
  /** undefined = the message names a line only. */
  readonly column: number | undefined;
}

/** `pay.ts:41:18`, `lib/pay.py:41`; and `File "pay.py", line 41` of Python. */
const PLACE = /([^\s()"'<>]+\.\w+):(\d{1,7})(?::(\d{1,7}))?|File "([^"\n]+)", line (\d{1,7})/g;
/** The folder of a version's code in the data folder of a host. */
const CODE_FOLDER = /(?:file:\/\/)?\/\S*?\/code\/[0-9a-f]{24}(?:\.incomplete)?\//g;

/** The text with paths of deployed code as they are in the folder of the service. */
export function withoutCodeFolder(text: string): string {
  return text.replace(CODE_FOLDER, "");
}

/** The first place that a text names in a file of the user's own. Python names the place of an error last. */
export function findPosition(text: string, isOwn: (path: string) => boolean): Position | undefined {
  let found: Position | undefined;
  for (const [, path, line, column, pythonPath, pythonLine] of text.matchAll(PLACE)) {
    const place = path ?? pythonPath ?? "";
    if (place.includes("node_modules/") || !isOwn(place)) continue;
    found = {
      path: place,
      line: Number(line ?? pythonLine),
      column: column === undefined ? undefined : Number(column),
    };
    if (pythonPath === undefined) return found;
  }
  return found;
}
