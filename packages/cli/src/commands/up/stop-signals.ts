/** Signals that come closer together, in milliseconds, are one wish: a terminal sends one, and the program that started Lever another. */
const SAME_WISH_MS = 500;

/**
 * Ctrl-C and TERM, in two stages: the first asks to stop in order, which aborts `requested`; one that comes half a second
 * later, or after that, ends the process at once with `statusAtOnce`.
 */
export function watchStopSignals(statusAtOnce: number): { requested: AbortSignal } {
  const controller = new AbortController();
  let requestedAt = 0;
  const onSignal = (): void => {
    if (!controller.signal.aborted) {
      requestedAt = performance.now();
      controller.abort();
    } else if (performance.now() - requestedAt >= SAME_WISH_MS) {
      process.exit(statusAtOnce);
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return { requested: controller.signal };
}
