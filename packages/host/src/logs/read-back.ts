import { open } from "node:fs/promises";
import { listSegments } from "./segment-folder.ts";

/** Read at once. The event loop turns between two slices. */
const SLICE_BYTES = 64 * 1024;
/** A longer line is none of ours. */
const LINE_BYTES_MAX = 1024 * 1024;
const NEWLINE = 10;

/** Times in milliseconds since 1970. */
export interface TimeSpan {
  readonly since?: number | undefined;
  /** The first moment that does not belong to it. */
  readonly until?: number | undefined;
}

/** The lines of a folder's segments that may be in a span of time, newest first, in portions. */
export async function* linesBack(
  dir: string,
  { since = 0, until = Number.POSITIVE_INFINITY }: TimeSpan,
): AsyncGenerator<readonly string[]> {
  const segments = await listSegments(dir);
  for (const segment of segments.toReversed()) {
    if (segment.since >= until) continue;
    yield* fileBack(segment.path);
    if (segment.since < since) return;
  }
}

async function* fileBack(path: string): AsyncGenerator<readonly string[]> {
  // It may have been removed meanwhile, as the oldest one.
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return;
  try {
    let end = (await file.stat()).size;
    /** The end of a line whose beginning has not been read. */
    let rest: Buffer = Buffer.alloc(0);
    while (end > 0) {
      const start = Math.max(0, end - SLICE_BYTES);
      const slice = Buffer.allocUnsafe(end - start);
      const { bytesRead } = await file.read(slice, 0, slice.length, start);
      if (bytesRead < slice.length) return;
      const bytes = Buffer.concat([slice, rest]);
      const first = start === 0 ? -1 : bytes.indexOf(NEWLINE);
      end = start;
      if (start > 0 && first === -1) {
        rest = bytes.length > LINE_BYTES_MAX ? Buffer.alloc(0) : bytes;
        continue;
      }
      rest = bytes.subarray(0, Math.max(0, first));
      const lines = bytes.toString("utf8", first + 1).split("\n");
      yield lines.reverse().filter((line) => line !== "");
    }
  } finally {
    await file.close();
  }
}
