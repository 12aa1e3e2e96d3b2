import type { Clock } from "../clock.ts";
import type { OnOutput } from "../processes/read-output.ts";
import {
  DEFAULT_RAM_MB,
  type LaunchedRuntime,
  type Launcher,
  type LaunchOptions,
} from "./launcher.ts";
import { decidePool, HISTORY_MS, recentStarts, type Start } from "./pool-size.ts";

/** The replacement of a used runtime starts this much later, so that it does not slow down the cold call. */
const REFILL_AFTER_MS = 100;
/** Delay after a runtime that could not be started, or exited before an instance needed it. */
const RETRY_AFTER_MS = 5_000;

export interface WarmPoolOptions {
  readonly launcher: Launcher;
  readonly clock: Clock;
  /** 0 = none is kept warm. */
  readonly warmRuntimesMax: number;
  /** A runtime that has not started after this time is killed. */
  readonly startTimeoutMs: number;
}

interface Warm {
  readonly runtime: LaunchedRuntime;
  readonly ram: number;
  /** Drops output until the runtime becomes an instance. */
  onOutput: OnOutput;
  isStarted: boolean;
}

/** How many starts it remembers. */
const STARTS_MAX = 1_000;

/**
 * Keeps a few runtimes started, so that a cold call does not wait for the start of a process. Each becomes one instance: a
 * runtime that has run the code of a service is never reused.
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

  /** How many runtimes could become an instance now. */
  get ready(): number {
    let ready = 0;
    for (const { isStarted } of this.#warm) if (isStarted) ready++;
    return ready;
  }

  /** How many runtimes it keeps ready. */
  get wanted(): number {
    let wanted = 0;
    for (const count of this.#wantedByRam().values()) wanted += count;
    return wanted;
  }

  #wantedByRam(): Map<number, number> {
    const { clock, warmRuntimesMax: max } = this.#options;
    return decidePool(this.#starts, { now: clock.now(), max, defaultRam: DEFAULT_RAM_MB });
  }

  launch(options: LaunchOptions): LaunchedRuntime {
    const { clock, launcher, warmRuntimesMax } = this.#options;
    const { ram, variables } = options;
    if (warmRuntimesMax === 0 || variables !== undefined) return launcher.launch(options);
    const at = clock.now();
    this.#starts = [...recentStarts(this.#starts, at).slice(1 - STARTS_MAX), { at, ram }];
    const warm = this.#take(ram);
    this.#refillAfter(REFILL_AFTER_MS);
    if (warm === undefined) return launcher.launch(options);
    warm.onOutput = (chunk, stream) => options.onOutput(chunk, stream);
    warm.runtime.isWarm = true;
    return warm.runtime;
  }

  get prepare(): Launcher["prepare"] {
    return this.#options.launcher.prepare;
  }

  get forget(): Launcher["forget"] {
    return this.#options.launcher.forget;
  }

  get network(): Launcher["network"] {
    return this.#options.launcher.network;
  }

  /** Kills the runtimes that have not become an instance, and resolves when they have exited. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#refill);
    const runtimes = [...this.#warm].map(({ runtime }) => runtime);
    for (const runtime of runtimes) runtime.kill();
    await Promise.all(runtimes.map(({ exited }) => exited));
  }

  /** Prefers a runtime that has started; one that is still starting is ready sooner than a new one. */
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

  /** Starts one runtime at a time: starting all at once would slow down calls. */
  #fill(): void {
    if (this.#isClosed) return;
    const wanted = this.#wantedByRam();
    for (const { runtime, ram } of this.#warm) if (!wanted.has(ram)) runtime.kill();
    if ([...this.#warm].some(({ isStarted }) => !isStarted)) return;
    const have = Map.groupBy(this.#warm, (warm) => warm.ram);
    const missing = [...wanted].find(([ram, count]) => (have.get(ram)?.length ?? 0) < count);
    if (missing === undefined) {
      // To kill runtimes of sizes that no longer count then.
      if (wanted.size > 1) this.#refillAfter(HISTORY_MS);
      return;
    }
    const [ram] = missing;
    let warm: Warm | undefined;
    let runtime: LaunchedRuntime;
    try {
      runtime = this.#options.launcher.launch({
        ram,
        onOutput: (chunk, stream) => warm?.onOutput(chunk, stream),
      });
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
    // Its first message means that it has started. The link reads it when the runtime becomes an instance.
    runtime.socket.once("readable", async () => {
      // `exited` reports a failure.
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
