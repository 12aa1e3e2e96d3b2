import type * as WorkerThreads from "node:worker_threads";

/** Flags of V8 hold for the whole process. Node refuses them for a thread. */
const OF_PROCESS = /^--max-/;

/**
 * Gives every thread of a service the flags of its process, with Node's permissions and the program that sets the thread
 * up among them. A thread that is started with `execArgv` would have only those, and no permissions to hold it.
 */
export function wrapWorkers(threads: typeof WorkerThreads): void {
  const { Worker } = threads;
  const inherited = process.execArgv.filter((flag) => !OF_PROCESS.test(flag));
  threads.Worker = {
    Worker: class extends Worker {
      constructor(filename: string | URL, options: WorkerThreads.WorkerOptions = {}) {
        const given = options.execArgv ?? [];
        const own = given.filter((flag) => !process.execArgv.includes(flag));
        super(filename, { ...options, execArgv: [...inherited, ...own] });
      }

      override emit(event: string | symbol, ...values: unknown[]): boolean {
        if (event === "error") nameRam(values[0]);
        return Reflect.apply(super.emit, this, [event, ...values]);
      }
    },
  }.Worker;
}

/** Adds the reason for the size of a thread's heap to the error of a thread whose heap was full. */
function nameRam(error: unknown): void {
  if (!(error instanceof Error) || !("code" in error)) return;
  if (error.code !== "ERR_WORKER_OUT_OF_MEMORY") return;
  const megabytes = process.env["LEVEROS_RAM"];
  error.message += ` (a heap must fit into the ${megabytes} MB that "ram" allots the instance)`;
}
