import { Worker } from "node:worker_threads";

/** Longer than any input takes, on any machine that is merely busy. */
const STALL_MS = 60_000;

/**
 * Ends this process when one input keeps it busy without end: nothing that runs on the same thread could. Says before that
 * which input it was.
 */
export class StallGuard implements Disposable {
  readonly #state = new BigInt64Array(new SharedArrayBuffer(16));
  readonly #worker: Worker;

  constructor(describe: (index: number) => string) {
    const [before = "", after = ""] = describe(987_654_321).split("987654321");
    const workerData = { state: this.#state, before, after, stallMs: STALL_MS };
    this.#worker = new Worker(WATCH, { eval: true, workerData });
    this.#worker.unref();
  }

  /** This input has begun. */
  at(index: number): void {
    Atomics.add(this.#state, 0, 1n);
    Atomics.store(this.#state, 1, BigInt(index));
  }

  /** No input is under way. */
  rest(): void {
    Atomics.add(this.#state, 0, 1n);
    Atomics.store(this.#state, 1, -1n);
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }
}

const WATCH = `
const { workerData: { state, before, after, stallMs } } = require("node:worker_threads");
let last = -1n;
setInterval(() => {
  const now = Atomics.load(state, 0);
  const index = Atomics.load(state, 1);
  if (now === last && index >= 0n) {
    require("node:fs").writeSync(2, before + index + after + "\\n");
    process.kill(process.pid, "SIGKILL");
  }
  last = now;
}, stallMs);
`;
