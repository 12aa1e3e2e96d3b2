import { STDIN_BYTES } from "../../command-line.ts";
import { usageError } from "../../exit-status.ts";
import { printNote } from "../../output.ts";

/** More than any host accepts by default, which is 4 MiB. */
const STDIN_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Returns the bytes of standard input if the words stand for them, otherwise undefined.
 * @throws CommandError when there are other arguments as well.
 */
export async function readStdinBytes(words: readonly string[]): Promise<Buffer | undefined> {
  if (!words.includes(STDIN_BYTES)) return undefined;
  if (words.length > 1) {
    throw usageError(
      "Cannot read the arguments: -- stands for bytes from standard input, and must be the only argument.",
    );
  }
  if (process.stdin.isTTY) printNote("Reading bytes from the terminal; Ctrl-D ends them.");
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > STDIN_BYTES_MAX) {
      throw usageError(`Cannot read standard input: it has more than ${STDIN_BYTES_MAX} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
