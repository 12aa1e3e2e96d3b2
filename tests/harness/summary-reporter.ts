import type { Reporter, TestModule } from "vitest/node";

/** Ends a run with one plain line of totals, and fails a run that skipped a test or ran none. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const totals = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) totals[test.result().state]++;
    }
    const skipped = totals.skipped + totals.pending;
    if (skipped > 0 || totals.passed === 0) process.exitCode = 1;
    process.on("exit", () => {
      process.stdout.write(
        `${totals.passed} passed, ${totals.failed} failed, ${skipped} skipped\n`,
      );
    });
  }
}
