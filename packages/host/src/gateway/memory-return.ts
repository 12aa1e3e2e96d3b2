import { getHeapStatistics, type HeapInfo } from "node:v8";
import { collectGarbage } from "./buffer-garbage.ts";

/** With less memory to return, a collection is not worth its time. */
const WORTH_BYTES = 32 * 1024 * 1024;
/** A process that uses more memory than this between two checks collects it by itself. */
const QUIET_BYTES = 1024 * 1024;
/** Checks in a row that find the process quiet before a collection. */
const QUIET_CHECKS = 3;
/**
 * Checks before it returns the free parts of the heap, too. The next calls are slower until the heap has grown again, so that
 * pauses of some seconds are too short for it.
 */
const LONG_QUIET_CHECKS = 20;

/** With a heap up to this size, returning its free parts takes a fraction of a second, in which no call is served. */
const QUICK_BYTES = 64 * 1024 * 1024;

type Memory = Pick<HeapInfo, "used_heap_size" | "total_heap_size" | "external_memory">;

/**
 * Returns the memory of connections, calls and bodies that are over to the system. V8 does so only when further memory is
 * allocated: after a flood, an idle process would keep all of it.
 */
export class MemoryReturn {
  #usedBytes = 0;
  /** Memory of the process after the last collection: only what has come since may be freed. */
  #keptBytes = 0;
  /** The same after the free parts of the heap were returned. */
  #returnedBytes = 0;
  #quietChecks = 0;

  /** Call it regularly. */
  check(memory: Memory = getHeapStatistics()): void {
    const usedBytes = memory.used_heap_size + memory.external_memory;
    const isQuiet = Math.abs(usedBytes - this.#usedBytes) < QUIET_BYTES;
    this.#usedBytes = usedBytes;
    this.#quietChecks = isQuiet ? this.#quietChecks + 1 : 0;
    const bytes = heldBytes(memory);
    this.#keptBytes = Math.min(this.#keptBytes, bytes);
    this.#returnedBytes = Math.min(this.#returnedBytes, bytes);
    if (this.#quietChecks >= LONG_QUIET_CHECKS && bytes - this.#returnedBytes >= WORTH_BYTES) {
      this.#collect({ type: "major" });
      // V8 keeps the free parts of its heap, unless this is its last resort.
      if (getHeapStatistics().used_heap_size <= QUICK_BYTES) {
        this.#collect({ type: "major", flavor: "last-resort" });
      }
      this.#returnedBytes = this.#keptBytes;
    } else if (this.#quietChecks >= QUIET_CHECKS && bytes - this.#keptBytes >= WORTH_BYTES) {
      this.#collect({ type: "major" });
    }
  }

  #collect(options: Parameters<typeof collectGarbage>[0]): void {
    collectGarbage(options);
    this.#keptBytes = heldBytes(getHeapStatistics());
  }
}

/** Memory that V8 has from the system: the heap with its free parts, and the memory outside of it. */
const heldBytes = ({ total_heap_size, external_memory }: Memory): number =>
  total_heap_size + external_memory;
