import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** With less memory outside the heap, a collection is not worth its time. */
const WORTH_BYTES = 32 * 1024 * 1024;
/** A process whose memory grows by more between two checks collects it by itself. */
const QUIET_BYTES = 1024 * 1024;
/** Checks in a row that find the process quiet before a collection. */
const QUIET_CHECKS = 3;

/**
 * Frees the memory of bodies that nothing uses any more. V8 does so only when further memory is allocated: after a flood, an
 * idle process would keep all of it.
 */
export class MemoryReturn {
  #lastBytes = 0;
  /** Memory in use after the last collection: only what has come since may be freed. */
  #usedBytes = 0;
  #quietChecks = 0;
  #collect: (() => void) | undefined;

  /** Call it regularly. */
  check(bytes: number = getHeapStatistics().external_memory): void {
    const isQuiet = Math.abs(bytes - this.#lastBytes) < QUIET_BYTES;
    this.#lastBytes = bytes;
    this.#quietChecks = isQuiet ? this.#quietChecks + 1 : 0;
    this.#usedBytes = Math.min(this.#usedBytes, bytes);
    if (this.#quietChecks < QUIET_CHECKS || bytes - this.#usedBytes < WORTH_BYTES) return;
    this.#collect ??= collector();
    this.#collect();
    this.#usedBytes = getHeapStatistics().external_memory;
  }
}

/** V8's own function, which a process has only with this flag. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  return typeof gc === "function" ? () => void gc() : () => {};
}
