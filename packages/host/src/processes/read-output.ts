import type { Readable } from "node:stream";
import type { Clock } from "../clock.ts";

/** Most output that is read in a window. The rest waits in the pipes, so a process that writes more is slowed down. */
const BYTES_PER_WINDOW = 128 * 1024;
const WINDOW_MS = 100;

/** Reads a process's standard output and error to their ends, at a bounded rate. */
export function readOutput(
  streams: readonly (Readable | null)[],
  onOutput: (chunk: Buffer) => void,
  clock: Clock,
): void {
  let bytes = 0;
  let windowStartedAt = 0;
  const open = streams.filter((stream) => stream !== null);
  const resume = (): void => {
    for (const stream of open) stream.resume();
  };
  for (const stream of open) {
    stream.on("data", (chunk: Buffer) => {
      onOutput(chunk);
      const now = clock.now();
      if (now - windowStartedAt >= WINDOW_MS) {
        windowStartedAt = now;
        bytes = 0;
      }
      bytes += chunk.length;
      if (bytes <= BYTES_PER_WINDOW) return;
      for (const paused of open) paused.pause();
      clock.setTimeout(resume, WINDOW_MS);
    });
  }
}
