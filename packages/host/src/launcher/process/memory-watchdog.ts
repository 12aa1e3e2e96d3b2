import type { Clock } from "../../clock.ts";
import { memoryOf, type ProcessesMemory } from "./process-memory.ts";

/** How often memory is looked at: a process that asks for a gigabyte each second is over by a quarter of one. */
const LOOK_EVERY_MS = 250;
/** Of the host's time: a look at very many processes takes longer, and comes less often. */
const SHARE_OF_TIME = 0.05;

interface Watched {
  readonly bytesMax: number;
  /** Called once, when it uses more. */
  readonly onOver: (memory: ProcessesMemory) => void;
}

/** Ends what uses more memory than it may, where no kernel does it. */
export class MemoryWatchdog {
  readonly #clock: Clock;
  readonly #watched = new Map<number, Watched>();
  #seen: ReadonlyMap<number, ProcessesMemory> = new Map();
  #timer: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `pid` leads a session; it counts with everything that it starts, until it is let go. */
  watch(pid: number, watched: Watched): void {
    this.#watched.set(pid, watched);
    this.#timer ??= this.#clock.setTimeout(() => this.#look(), LOOK_EVERY_MS);
  }

  letGo(pid: number): void {
    this.#watched.delete(pid);
    if (this.#watched.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Bytes that it used when it was last looked at; of one that never was, now. */
  bytesOf(pid: number): number {
    return (this.#seen.get(pid) ?? memoryOf(new Set([pid])).get(pid))?.bytes ?? 0;
  }

  #look(): void {
    const from = this.#clock.now();
    this.#seen = memoryOf(new Set(this.#watched.keys()));
    for (const [pid, memory] of this.#seen) {
      const watched = this.#watched.get(pid);
      if (watched === undefined || memory.bytes <= watched.bytesMax) continue;
      this.letGo(pid);
      watched.onOver(memory);
    }
    if (this.#watched.size === 0) return;
    const tookMs = this.#clock.now() - from;
    const inMs = Math.max(LOOK_EVERY_MS, tookMs / SHARE_OF_TIME);
    this.#timer = this.#clock.setTimeout(() => this.#look(), inMs);
  }
}
