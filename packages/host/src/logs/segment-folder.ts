import { appendFile, mkdir, readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";

export interface SegmentLimits {
  /** A file that has so many bytes is followed by a new one. */
  readonly segmentBytesMax: number;
  /** The oldest of more files is removed. */
  readonly segmentsMax: number;
}

/** The file system, or what a test has in its place. */
export type AppendToFile = (path: string, text: string) => Promise<void>;

const appendPrivately: AppendToFile = (path, text) => appendFile(path, text, { mode: 0o600 });

const SUFFIX = ".ndjson";

/** A file with lines. */
export interface Segment {
  readonly path: string;
  /** No line is older. Milliseconds since 1970, as of its name. */
  readonly since: number;
}

interface NewestSegment extends Segment {
  bytes: number;
}

/** The files of a folder, oldest first. None if there is no such folder. */
export async function listSegments(dir: string): Promise<readonly Segment[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .flatMap((name) => {
      const since = timeOfName(name);
      return since === undefined ? [] : [{ path: join(dir, name), since }];
    })
    .sort((a, b) => a.since - b.since);
}

function timeOfName(name: string): number | undefined {
  const [, digits = ""] = /^([0-9a-z]{1,10})\.ndjson$/.exec(name) ?? [];
  return digits === "" ? undefined : Number.parseInt(digits, 36);
}

/** Appends lines to the newest of a few files in a folder. Each is named by the time of its first line. */
export class SegmentFolder {
  readonly dir: string;
  readonly #limits: SegmentLimits;
  readonly #append: AppendToFile;
  /** undefined = the folder has not been looked at yet. */
  #newest: NewestSegment | undefined;

  constructor(dir: string, limits: SegmentLimits, append: AppendToFile = appendPrivately) {
    this.dir = dir;
    this.#limits = limits;
    this.#append = append;
  }

  /**
   * Appends lines that end in a line break, of which the first has the time `at`. Call it again only when it has ended.
   * Resolves to the number of bytes that the folder has gained. Rejects when the system refuses it.
   */
  async append(lines: string, at: number): Promise<number> {
    const bytes = Buffer.byteLength(lines);
    this.#newest ??= await this.#open();
    let removedBytes = 0;
    if (this.#newest === undefined || this.#newest.bytes >= this.#limits.segmentBytesMax) {
      const since = Math.max(at, (this.#newest?.since ?? 0) + 1);
      this.#newest = { path: join(this.dir, `${since.toString(36)}${SUFFIX}`), since, bytes: 0 };
      removedBytes = await this.#removeOldest();
    }
    await this.#append(this.#newest.path, lines);
    this.#newest.bytes += bytes;
    return bytes - removedBytes;
  }

  async #open(): Promise<NewestSegment | undefined> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
    const newest = (await listSegments(this.dir)).at(-1);
    if (newest === undefined) return undefined;
    // A host that was killed may have left half a line.
    await this.#append(newest.path, "\n");
    return { ...newest, bytes: (await stat(newest.path)).size };
  }

  /** Makes place for a further file. */
  async #removeOldest(): Promise<number> {
    const segments = await listSegments(this.dir);
    let bytes = 0;
    for (const { path } of segments.slice(
      0,
      Math.max(0, segments.length + 1 - this.#limits.segmentsMax),
    )) {
      bytes += (await stat(path)).size;
      await unlink(path);
    }
    return bytes;
  }
}
