import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import { systemReason } from "../logs/system-reason.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";

/** The store can be restored to this time ago. */
const COPY_AFTER_MS = 3_600_000;
/** A copy is due at the latest this much later. */
const CHECK_EVERY_MS = 60_000;
/** With more removed archives than this, the next copy is made at once, so that they can be deleted. */
const REMOVED_MAX = 64;

export interface StoreCopiesOptions {
  readonly store: Pick<SqliteStore, "copyTo" | "hasContent" | "writes">;
  /** The file of the store, and that of its copy. */
  readonly storeFile: string;
  readonly file: string;
  /** Archives that only the last copy may still need. */
  readonly removed: {
    names(): Promise<readonly string[]>;
    delete(names: readonly string[]): Promise<void>;
  };
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Keeps a copy of the store, at most an hour older than the store's last change. A store without content is not copied: it must
 * not replace the copy of one that was lost.
 */
export class StoreCopies {
  readonly #options: StoreCopiesOptions;
  #copiedWrites = -1;
  #work: Promise<void> = Promise.resolve();
  #timer: unknown;
  #isClosed = false;

  constructor(options: StoreCopiesOptions) {
    this.#options = options;
  }

  /** Makes a copy where it is due, and checks that again from time to time. */
  start(): void {
    this.#work = this.#copyIfDue().then(() => {
      if (this.#isClosed) return;
      this.#timer = this.#options.clock.setTimeout(() => this.start(), CHECK_EVERY_MS);
    });
  }

  /** Makes the last copy, where it is due. The store must still be open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
    await this.#work;
    await this.#copyIfDue();
  }

  async #copyIfDue(): Promise<void> {
    const { log, store, file, removed } = this.#options;
    try {
      const names = await removed.names();
      if (!(await this.#isDue(names.length))) return;
      const writes = store.writes();
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      await store.copyTo(file);
      this.#copiedWrites = writes;
      await removed.delete(names);
    } catch (error) {
      log("warn", "store", "store copy failed", { reason: systemReason(error) ?? String(error) });
    }
  }

  async #isDue(removedCount: number): Promise<boolean> {
    const { store, storeFile, file, clock, log } = this.#options;
    if (store.writes() === this.#copiedWrites || !(await store.hasContent())) return false;
    if (!existsSync(storeFile)) {
      // The system keeps a removed file for as long as it is open, so this host still has everything.
      log("error", "store", "store file lost", { file: storeFile, copy: file });
      return true;
    }
    const copied = statSync(file, { throwIfNoEntry: false });
    const ageMs =
      copied === undefined ? Number.POSITIVE_INFINITY : clock.wallTime() - copied.mtimeMs;
    // A copy of the future is of a clock that was set.
    return ageMs >= COPY_AFTER_MS - CHECK_EVERY_MS || ageMs < 0 || removedCount > REMOVED_MAX;
  }
}
