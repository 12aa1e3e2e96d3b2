import { chmod, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { writeSmallFile } from "./write-small-file.ts";

/** Files up to this size are kept in memory until they are whole, and written at once. */
const SMALL_FILE_BYTES = 1024 * 1024;
/** Bytes and files that may be waiting for the disk before reading pauses. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024;
const PENDING_FILES_MAX = 64;

/** Takes the content of one file. Its pieces must not change afterwards. */
export interface FileContent {
  add(piece: Buffer): void;
  /** Call it after the last piece. */
  end(): void;
}

/** Writes files below a folder, many at the same time. The last one of several files with one path counts. */
export class FileWrites {
  readonly #folder: string;
  /** Folders that are made, or being made; undefined = made. */
  readonly #dirs = new Map<string, Promise<void> | undefined>();
  readonly #pending = new Set<Promise<void>>();
  /** The latest write of each file. */
  readonly #files = new Map<string, { readonly done: Promise<void>; readonly mode: number }>();
  #pendingBytes = 0;
  #failure: { readonly error: unknown } | undefined;
  /** The content of the large file that is being read. */
  #large: Readable | undefined;
  #onProgress = (): void => {};

  constructor(folder: string) {
    this.#folder = folder;
  }

  hasFile(path: string): boolean {
    return this.#files.has(path);
  }

  makeDir(path: string): void {
    void this.#makeDir(path);
  }

  /** Begins a file of so many bytes. */
  begin(path: string, { mode, bytes }: { mode: number; bytes: number }): FileContent {
    return bytes > SMALL_FILE_BYTES ? this.#beginLarge(path, mode) : this.#beginSmall(path, mode);
  }

  /** Waits while too much is waiting for the disk. @throws the first failure. */
  async settle(): Promise<void> {
    while (this.#isFull && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#onProgress = resolve;
      });
    }
    this.#check();
  }

  /** Waits until everything is written. @throws the first failure. */
  async finish(): Promise<void> {
    await Promise.all(this.#pending);
    this.#check();
  }

  /** No further content comes. Waits until nothing is being written. */
  async stop(): Promise<void> {
    this.#large?.destroy();
    await Promise.all(this.#pending);
  }

  get #isFull(): boolean {
    return this.#pending.size > PENDING_FILES_MAX || this.#pendingBytes > PENDING_BYTES_MAX;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #beginSmall(path: string, mode: number): FileContent {
    const parts: Buffer[] = [];
    return {
      add: (piece) => parts.push(piece),
      end: () => {
        const [only] = parts;
        // Without a copy if it has arrived at once, as nearly all small files do.
        const bytes = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
        const file = join(this.#folder, path);
        const write = (): Promise<void> => writeSmallFile(file, bytes, mode);
        const ready = this.#prepare(path, mode);
        const written = ready === undefined ? write() : ready.then(write);
        this.#files.set(path, { mode, done: this.#track(written, bytes.length) });
      },
    };
  }

  #beginLarge(path: string, mode: number): FileContent {
    const content = new Readable({ read() {} });
    // Its reader gets the error.
    content.on("error", () => {});
    const done = this.#track(this.#writeLarge(content, path, mode), 0);
    this.#files.set(path, { mode, done });
    this.#large = content;
    return {
      add: (piece) => {
        this.#pendingBytes += piece.length;
        content.push(piece);
      },
      end: () => {
        this.#large = undefined;
        content.push(null);
      },
    };
  }

  async #writeLarge(content: Readable, path: string, mode: number): Promise<void> {
    await this.#prepare(path, mode);
    const file = await open(join(this.#folder, path), "w", mode);
    try {
      for await (const piece of content as AsyncIterable<Buffer>) {
        await file.writeFile(piece);
        this.#pendingBytes -= piece.length;
        this.#onProgress();
      }
    } finally {
      await file.close();
    }
  }

  /** Makes the folder of a file, and waits until an earlier file with the same path is written; undefined = it is ready. */
  #prepare(path: string, mode: number): Promise<void> | undefined {
    const dir = this.#makeDir(dirname(path));
    const earlier = this.#files.get(path);
    if (earlier === undefined) return dir;
    return earlier.done.then(async () => {
      // Writing keeps the mode of a file that exists.
      if (earlier.mode !== mode) await chmod(join(this.#folder, path), mode);
    });
  }

  #makeDir(path: string): Promise<void> | undefined {
    if (this.#dirs.has(path)) return this.#dirs.get(path);
    const made = mkdir(join(this.#folder, path), { recursive: true });
    const done = this.#track(
      made.then(() => void this.#dirs.set(path, undefined)),
      0,
    );
    this.#dirs.set(path, done);
    return done;
  }

  /** Resolves when the work has ended, also when it has failed. */
  #track(work: Promise<void>, bytes: number): Promise<void> {
    this.#pendingBytes += bytes;
    const settled = (): void => {
      this.#pendingBytes -= bytes;
      this.#pending.delete(done);
      this.#onProgress();
    };
    const done = work.then(settled, (error: unknown) => {
      this.#failure ??= { error };
      settled();
    });
    this.#pending.add(done);
    return done;
  }
}
