/**
 * Signals within this time count as one: on Ctrl-C both the terminal and a program that started Lever, such as npx, send
 * one.
 */
const SAME_REQUEST_MS = 500;

/**
 * Handles Ctrl-C and TERM in two stages. The first signal aborts `requested`, so that the host stops in order. A signal
 * at least half a second later ends the process at once, with `statusAtOnce`.
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
  return { requested: controller.signal };
}
