import { createInterface } from "node:readline";
import type { RemoteStream } from "leveros";
import { usageError } from "../../exit-status.ts";
import { printNote } from "../../output.ts";

/** The error for a line that is not JSON shows this many of its characters. */
const SHOWN_LENGTH_MAX = 200;

/** Sends each line of standard input as a JSON message, then half-closes the stream. */
export async function sendLines(opened: RemoteStream, signal: AbortSignal): Promise<void> {
  if (process.stdin.isTTY) printNote("Each line is a JSON message; Ctrl-D ends them.");
  let number = 0;
  for await (const line of createInterface({ input: process.stdin, signal })) {
    number++;
    if (line.trim() === "") continue;
    if (!opened.write(parseMessage(line, number))) await opened.drained();
  }
  opened.end();
}

/** Sends standard input as bytes, then half-closes the stream. */
export async function sendBytes(opened: RemoteStream): Promise<void> {
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    if (!opened.write(chunk)) await opened.drained();
  }
  opened.end();
}

/** @throws CommandError that names the line and shows how a string is written. */
export function parseMessage(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw usageError(
      `Cannot send line ${number} of standard input: it is not JSON. A string needs quotes: ${JSON.stringify(line.slice(0, SHOWN_LENGTH_MAX))}`,
    );
  }
}
