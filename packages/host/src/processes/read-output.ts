import type { Readable } from "node:stream";

/** What an instance writes is read at most at this rate; more waits in its pipes, so that a flood slows down who makes it. */
const BYTES_PER_WINDOW = 128 * 1024;
const WINDOW_MS = 100;

/** Reads an instance's standard output and error to their ends. */
export function readOutput(
  streams: readonly (Readable | null)[],
  onOutput: (chunk: Buffer) => void,
): void {
  let bytes = 0;
  let windowStartedAt = 0;
  const open = streams.filter((stream) => stream !== null);
  const goOn = (): void => {
    for (const stream of open) stream.resume();
  };
  for (const stream of open) {
    stream.on("data", (chunk: Buffer) => {
      onOutput(chunk);
      const now = performance.now();
      if (now - windowStartedAt >= WINDOW_MS) {
        windowStartedAt = now;
        bytes = 0;
      }
      bytes += chunk.length;
      if (bytes <= BYTES_PER_WINDOW) return;
      for (const paused of open) paused.pause();
      setTimeout(goOn, WINDOW_MS).unref();
    });
  }
}
