import { type FSWatcher, watch } from "node:fs";

/** Where the system lets no more folders be watched, they are looked at so often. */
const POLL_MS = 1_000;

/**
 * Watches a set of folders, without those in them. The system's own recursive watching would include `node_modules`.
 */
export class WatchedFolders {
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #poll: NodeJS.Timeout | undefined;

  /** `onChange` may be called several times for one change. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches these folders from now on, and no others. True = there are new ones among them. */
  set(folders: ReadonlySet<string>): boolean {
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    let hasNew = false;
    for (const folder of folders) {
      if (this.#watchers.has(folder)) continue;
      hasNew = true;
      this.#watch(folder);
    }
    return hasNew;
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    clearInterval(this.#poll);
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#onChange());
      watcher.on("error", () => {
        watcher.close();
        this.#watchers.delete(folder);
        this.#onChange();
      });
      this.#watchers.set(folder, watcher);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      // Any other reason is a folder that has been removed meanwhile.
      if (code === "ENOSPC" || code === "EMFILE") {
        this.#poll ??= setInterval(() => this.#onChange(), POLL_MS).unref();
      }
    }
  }
}
