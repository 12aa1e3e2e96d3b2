/**
 * Signals within this time count as one: on Ctrl-C both the terminal and a program that started Lever, such as npx, send
 * one.
 */
const SAME_REQUEST_MS = 500;
/** Time between two looks at the program that has started Lever. */
const LOOK_MS = 250;

/**
 * Handles Ctrl-C and TERM in two stages. The first signal aborts `requested`, so that the host stops in order. A signal
 * at least half a second later ends the process at once, with `statusAtOnce`.
 *
 * npm and npx end on TERM without passing it on. Their end counts as the first signal: a supervisor that stops npx must
 * not leave a host that nothing stops.
 */
export function watchStopSignals(statusAtOnce: number): { requested: AbortSignal } {
  const controller = new AbortController();
  let requestedAt = 0;
  const onSignal = (): void => {
    if (!controller.signal.aborted) {
      requestedAt = performance.now();
      controller.abort();
    } else if (performance.now() - requestedAt >= SAME_REQUEST_MS) {
      process.exit(statusAtOnce);
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  if (process.env["npm_command"] !== undefined) {
    const startedBy = process.ppid;
    const look = setInterval(() => {
      if (process.ppid === startedBy) return;
      clearInterval(look);
      if (!controller.signal.aborted) onSignal();
    }, LOOK_MS);
    look.unref();
  }
  return { requested: controller.signal };
}
