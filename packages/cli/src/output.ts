/**
 * Results go to standard output, everything else to standard error. Texts may come from a service: control characters in them are
 * escaped, except tabs and line breaks.
 */
import { printableLines } from "@leveros/protocol";

/** Prints a result of one or more lines. */
export function printResult(text: string): void {
  process.stdout.write(`${printableLines(text)}\n`);
}

/** Moves the cursor of a terminal home, and clears its screen. */
const CLEAR_SCREEN = "\u001b[H\u001b[2J";

/** Prints a result that replaces the one before, on a terminal. */
export function printScreen(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(CLEAR_SCREEN);
  printResult(text);
}

/** Prints a result of bytes as they are, without a line break. */
export function printBytes(bytes: Uint8Array): void {
  process.stdout.write(bytes);
}

/** Prints anything other than a result: errors, warnings, hints. */
export function printNote(text: string): void {
  process.stderr.write(`${printableLines(text)}\n`);
}

/**
 * Lets the reader of a result close it early (`lever ls | head -1`) without a crash. Any other failure to write is passed
 * to `onFailure`.
 */
export function watchOutput(onFailure: (error: Error) => void): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") onFailure(error);
  });
  // Nothing is left to report it to.
  process.stderr.on("error", () => {});
}
