import { chmod, lstat, realpath, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isSourcePath } from "@leveros/protocol";
import { shown } from "./archive-error.ts";
import { entryPath } from "./entry-path.ts";
import { transformError } from "./transform-error.ts";

/** Tells the runtime that a folder's sources are JavaScript now (modules/module-hooks.ts in the runtime). */
const MARKER = ".lever-transformed";
const MAP = /\.[cm]js\.map$/;

export interface TransformedFilesLimits {
  readonly filesMax: number;
  readonly bytesMax: number;
}

/**
 * Writes the results of a transform into the folder that was transformed. The transform has read a stranger's sources, so
 * its paths are checked: a source is replaced only where it is a plain file, and nothing is written through a link.
 */
export class TransformedFiles {
  readonly #folder: string;
  readonly #limits: TransformedFilesLimits;
  #files = 0;
  #bytes = 0;
  #hasPackages = false;

  constructor(folder: string, limits: TransformedFilesLimits) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /** Counts a file before its bytes arrive. @throws LeverError `too_large` */
  announce(bytes: number): void {
    this.#files++;
    this.#bytes += bytes;
    const { filesMax, bytesMax } = this.#limits;
    if (this.#files <= filesMax && this.#bytes <= bytesMax) return;
    throw transformError(
      `the result has more than ${bytesMax} bytes or ${filesMax} files`,
      "too_large",
    );
  }

  /** @throws LeverError `internal` for a path that no transform of this folder has. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    const target = join(this.#folder, path);
    const folder = await realpath(this.#folder);
    const isPlain = entryPath(path) === path && isSourcePath(path.replace(MAP, ""));
    const parent = isPlain ? await realpath(dirname(target)).catch(() => undefined) : undefined;
    if (parent === undefined || parent !== dirname(join(folder, path))) throw refused(path);
    const found = await lstat(target).catch(() => undefined);
    if (found === undefined ? isSourcePath(path) : !found.isFile()) throw refused(path);
    // A new file: the old one may have further names.
    await rm(target, { force: true });
    await writeFile(target, bytes, { flag: "wx" });
    await chmod(target, (found?.mode ?? 0o644) & 0o777);
    if (path.includes("node_modules/")) this.#hasPackages = true;
  }

  /** Marks the folder as transformed. */
  async finish(): Promise<void> {
    const marker = join(this.#folder, MARKER);
    await rm(marker, { recursive: true, force: true });
    await writeFile(marker, this.#hasPackages ? "packages\n" : "typescript\n", {
      flag: "wx",
      mode: 0o644,
    });
  }
}

function refused(path: string): Error {
  return transformError(
    `the compiler has returned a file for ${shown(path)}, which is no source of the service`,
    "internal",
  );
}
