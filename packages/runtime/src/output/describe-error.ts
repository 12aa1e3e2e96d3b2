import { pathToFileURL } from "node:url";
import { inspect } from "node:util";

const CHARS_MAX = 8_000;

/** An error as its service's author should see it: stack and causes, with paths in the service, without Lever's frames. */
export function describeError(error: unknown, codeDir: string): string {
  return ownLines(safeText(error), codeDir).slice(0, CHARS_MAX);
}

/** A service may throw objects whose getters throw. */
function safeText(error: unknown): string {
  try {
    return inspect(error);
  } catch {
    return "an error that cannot be shown";
  }
}

/** Shortens paths of the service, and leaves out frames of Node and of this program. */
function ownLines(text: string, codeDir: string): string {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    if (!isFrameOfLever(line)) lines.push(line);
    // The last frame opens the braces around the error's cause and properties.
    else if (line.endsWith(" {")) lines.push(`${lines.pop() ?? ""} {`);
  }
  const own = lines.join("\n");
  if (codeDir === "") return own;
  return own.replaceAll(`${pathToFileURL(codeDir).href}/`, "").replaceAll(`${codeDir}/`, "");
}

function isFrameOfLever(line: string): boolean {
  return (
    /^\s+at /.test(line) && (/\bnode:internal\b/.test(line) || line.includes(import.meta.dirname))
  );
}
