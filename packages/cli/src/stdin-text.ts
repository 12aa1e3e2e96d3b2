import { usageError } from "./exit-status.ts";

/** Far above any token, and the largest value of a variable. */
const BYTES_MAX = 1024 * 1024;

/** Reads all of standard input as text. @throws CommandError when it is larger than 1 MiB. */
export async function readStdinText(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BYTES_MAX) {
      throw usageError(`Cannot read standard input: it has more than ${BYTES_MAX} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
