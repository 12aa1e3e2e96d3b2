import type { Clock } from "../clock.ts";
import {
  DEFAULT_RAM_MB,
  type LaunchedRuntime,
  type Launcher,
  type LaunchOptions,
} from "./launcher.ts";
import { decidePool, HISTORY_MS, recentStarts, type Start } from "./pool-size.ts";

/** A cold call comes first: the process that takes its runtime's place is started a little later. */
const REFILL_AFTER_MS = 100;
/** After a runtime that ended before anybody needed it. */
const RETRY_AFTER_MS = 5_000;

export interface WarmPoolOptions {
  readonly launcher: Launcher;
  readonly clock: Clock;
  /** 0 = none is kept. */
  readonly warmRuntimesMax: number;
  /** A runtime that has not started by then is ended. */
  readonly startTimeoutMs: number;
}

interface Warm {
  readonly runtime: LaunchedRuntime;
  readonly ram: number;
  /** Bound when the runtime becomes an instance. */
  onOutput: (chunk: Buffer) => void;
  isStarted: boolean;
}

/**
 * Keeps a few runtimes started, so that a cold call does not wait for a process. Each becomes one instance, once: what
 * has run someone's code is never used again.
 */
export class WarmPool implements Launcher {
  readonly #options: WarmPoolOptions;
  readonly #warm = new Set<Warm>();
  #starts: Start[] = [];
  #refill: unknown;
  #isClosed = false;

  constructor(options: WarmPoolOptions) {
    this.#options = options;
    this.#refillAfter(0);
  }

  /** How many runtimes could become an instance at once. */
  get ready(): number {
    let ready = 0;
    for (const { isStarted } of this.#warm) if (isStarted) ready++;
    return ready;
  }

  get wanted(): number {
    let wanted = 0;
    for (const count of this.#wantedByRam().values()) wanted += count;
    return wanted;
  }

  #wantedByRam(): Map<number, number> {
    const { clock, warmRuntimesMax: max } = this.#options;
    return decidePool(this.#starts, { now: clock.now(), max, usualRam: DEFAULT_RAM_MB });
  }

  launch(options: LaunchOptions): LaunchedRuntime {
    const { clock, launcher, warmRuntimesMax } = this.#options;
    if (warmRuntimesMax === 0) return launcher.launch(options);
    const { ram } = options;
    const at = clock.now();
    this.#starts = [...recentStarts(this.#starts, at).slice(-1_000), { at, ram }];
    const warm = this.#take(ram);
    this.#refillAfter(REFILL_AFTER_MS);
    if (warm === undefined) return launcher.launch(options);
    warm.onOutput = (chunk) => options.onOutput(chunk);
    warm.runtime.isWarm = true;
    return warm.runtime;
  }

  get setNetwork(): Launcher["setNetwork"] {
    const { launcher } = this.#options;
    return launcher.setNetwork?.bind(launcher);
  }

  /** Ends the runtimes that nobody needs any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#refill);
    const runtimes = [...this.#warm].map(({ runtime }) => runtime);
    for (const runtime of runtimes) runtime.kill();
    await Promise.all(runtimes.map(({ exited }) => exited));
  }

  /** Those that have started first; one that is still starting has a head start all the same. */
  #take(ram: number): Warm | undefined {
    let taken: Warm | undefined;
    for (const warm of this.#warm) {
      if (warm.ram !== ram) continue;
      if (taken === undefined || (warm.isStarted && !taken.isStarted)) taken = warm;
    }
    if (taken !== undefined) this.#warm.delete(taken);
    return taken;
  }

  #refillAfter(ms: number): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#refill);
    this.#refill = clock.setTimeout(() => this.#fill(), ms);
  }

  /** One after the other: starting all at once would take the processor from the calls. */
  #fill(): void {
    if (this.#isClosed) return;
    const wanted = this.#wantedByRam();
    for (const { runtime, ram } of this.#warm) if (!wanted.has(ram)) runtime.kill();
    if ([...this.#warm].some(({ isStarted }) => !isStarted)) return;
    const have = Map.groupBy(this.#warm, (warm) => warm.ram);
    const missing = [...wanted].find(([ram, count]) => (have.get(ram)?.length ?? 0) < count);
    if (missing === undefined) {
      // What nobody has needed for so long is ended then.
      if (wanted.size > 1) this.#refillAfter(HISTORY_MS);
      return;
    }
    const [ram] = missing;
    let warm: Warm | undefined;
    let runtime: LaunchedRuntime;
    try {
      runtime = this.#options.launcher.launch({ ram, onOutput: (chunk) => warm?.onOutput(chunk) });
    } catch {
      this.#refillAfter(RETRY_AFTER_MS);
      return;
    }
    const started: Warm = { runtime, ram, onOutput: () => {}, isStarted: false };
    warm = started;
    this.#warm.add(started);
    const { clock, startTimeoutMs } = this.#options;
    const late = clock.setTimeout(() => {
      if (this.#warm.has(started)) runtime.kill();
    }, startTimeoutMs);
    // The first thing it says is that it has started; it is read when the runtime becomes an instance.
    runtime.socket.once("readable", async () => {
      // Its end is heard of below.
      await runtime.prepared?.catch(() => {});
      clock.clearTimeout(late);
      started.isStarted = true;
      this.#fill();
    });
    void runtime.exited.then(() => {
      clock.clearTimeout(late);
      if (this.#warm.delete(started)) this.#refillAfter(RETRY_AFTER_MS);
    });
  }
}
