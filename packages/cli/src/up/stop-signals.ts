/**
 * Ctrl-C and TERM, in two stages: the first asks to stop in order, which aborts `requested`; the second ends the process
 * at once with `statusAtOnce`.
 */
export function watchStopSignals(statusAtOnce: number): { requested: AbortSignal } {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(statusAtOnce);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return { requested: controller.signal };
}
