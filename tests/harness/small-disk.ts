import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEGABYTES = 16;

/** A small file system in memory, with a folder for a PostgreSQL. Needs root. */
export class SmallDisk implements Disposable {
  readonly #path = mkdtempSync(join(tmpdir(), "lever-disk-"));
  readonly #filler: string = join(this.#path, "filler");
  readonly dataDir: string = join(this.#path, "data");

  constructor() {
    const size = `size=${MEGABYTES}m,mode=755`;
    execFileSync("/bin/mount", ["-t", "tmpfs", "-o", size, "tmpfs", this.#path]);
    mkdirSync(this.dataDir);
    execFileSync("chown", ["postgres:postgres", this.dataDir]);
  }

  fill(): void {
    for (let count = 0; count < MEGABYTES * 256; count++) {
      try {
        appendFileSync(this.#filler, Buffer.alloc(4_096));
      } catch {
        return;
      }
    }
  }

  free(): void {
    rmSync(this.#filler);
  }

  [Symbol.dispose](): void {
    // Files in it may still be open.
    execFileSync("/bin/umount", ["--lazy", this.#path]);
    rmdirSync(this.#path);
  }
}
