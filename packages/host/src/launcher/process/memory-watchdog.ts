import type { Clock } from "../../clock.ts";
import { MemoryReader, memoryOf, type ProcessesMemory } from "./process-memory.ts";

/** How often memory is checked. A process that allocates a gigabyte each second exceeds its limit by 250 MB at most. */
const CHECK_EVERY_MS = 250;
/** The part of the host's time that checks may take. With very many processes a check takes longer and is made less often. */
const SHARE_OF_TIME = 0.05;

interface Watched {
  readonly bytesMax: number;
  /** So many bytes of the leader itself do not count: it is Lever's own process beside a program. */
  readonly freeBytes: number;
  /** Called once, when it uses more. `bytes`: what counts. */
  readonly onExceeded: (use: { readonly bytes: number; readonly pids: readonly number[] }) => void;
}

interface WatchdogOptions {
  readonly clock: Clock;
  /** Default: the memory of the machine's processes. */
  readonly readMemory?: (leaders: ReadonlySet<number>) => ReadonlyMap<number, ProcessesMemory>;
}

/** Reports processes that use more memory than they may. For systems where no kernel limit does that. */
export class MemoryWatchdog {
  readonly #clock: Clock;
  /** For the checks, which always ask for the same processes. */
  readonly #readAgain: (leaders: ReadonlySet<number>) => ReadonlyMap<number, ProcessesMemory>;
  readonly #readMemory: (leaders: ReadonlySet<number>) => ReadonlyMap<number, ProcessesMemory>;
  readonly #watched = new Map<number, Watched>();
  readonly #cpuSeconds = new Map<number, number>();
  #lastSeen: ReadonlyMap<number, ProcessesMemory> = new Map();
  #timer: unknown;

  constructor({ clock, readMemory }: WatchdogOptions) {
    this.#clock = clock;
    const reader = new MemoryReader();
    this.#readAgain = readMemory ?? ((leaders) => reader.read(leaders));
    this.#readMemory = readMemory ?? memoryOf;
  }

  /** Watches the leader of a session and all that it starts, until `unwatch` or the first time it exceeds its limit. */
  watch(pid: number, watched: Watched): void {
    this.#watched.set(pid, watched);
    this.#timer ??= this.#clock.setTimeout(() => this.#check(), CHECK_EVERY_MS);
  }

  /** Does nothing for a process that is not watched. */
  unwatch(pid: number): void {
    this.#watched.delete(pid);
    this.#cpuSeconds.delete(pid);
    if (this.#watched.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Bytes that count at the last check; now, for a process that was not part of it. */
  bytesOf(pid: number): number {
    const memory = this.#lastSeen.get(pid) ?? this.#readMemory(new Set([pid])).get(pid);
    return memory === undefined ? 0 : countedBytes(memory, this.#watched.get(pid)?.freeBytes ?? 0);
  }

  /** Processor time at the last check. It never goes back, although ended processes leave the sum. */
  cpuSecondsOf(pid: number): number {
    return this.#cpuSeconds.get(pid) ?? 0;
  }

  #check(): void {
    const startedAt = this.#clock.now();
    this.#lastSeen = this.#readAgain(new Set(this.#watched.keys()));
    for (const [pid, memory] of this.#lastSeen) {
      const watched = this.#watched.get(pid);
      if (watched === undefined) continue;
      this.#cpuSeconds.set(pid, Math.max(this.cpuSecondsOf(pid), memory.cpuSeconds));
      const bytes = countedBytes(memory, watched.freeBytes);
      if (bytes <= watched.bytesMax) continue;
      this.unwatch(pid);
      watched.onExceeded({ bytes, pids: memory.pids });
    }
    if (this.#watched.size === 0) return;
    const tookMs = this.#clock.now() - startedAt;
    const waitMs = Math.max(CHECK_EVERY_MS, tookMs / SHARE_OF_TIME);
    this.#timer = this.#clock.setTimeout(() => this.#check(), waitMs);
  }
}

function countedBytes({ bytes, leaderBytes }: ProcessesMemory, freeBytes: number): number {
  return bytes - Math.min(leaderBytes, freeBytes);
}
