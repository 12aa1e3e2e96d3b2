/** Results go to standard output, everything else to standard error. */

/** Prints lines of a result. */
export function printResult(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints a result of bytes, and nothing but them. */
export function printBytes(bytes: Uint8Array): void {
  process.stdout.write(bytes);
}

/** Prints what is not a result: hints, warnings, progress of long work. */
export function printNote(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Lets a reader leave early (`lever ls | head -1`) without a crash. Whatever else keeps output from being written is
 * told to `onFailure`.
 */
export function watchOutput(onFailure: (error: Error) => void): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") onFailure(error);
  });
  // There is nowhere left to say it.
  process.stderr.on("error", () => {});
}
