import type { Reporter, TestCase, TestModule } from "vitest/node";
import { requirements } from "./requirements.ts";

/**
 * Ends a run with one plain line of totals. Names each test that was left out because the machine lacks something. Fails
 * a run without tests, and with LEVER_TEST_COMPLETE=1 also a run that skipped one.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const totals = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const test of tests) totals[test.result().state]++;
    const skipped = totals.skipped + totals.pending;
    const isComplete = process.env["LEVER_TEST_COMPLETE"] === "1";
    if (isComplete ? skipped > 0 || totals.passed === 0 : tests.length === 0) process.exitCode = 1;
    const lines = [
      ...linesOfLeftOut(tests),
      `${totals.passed} passed, ${totals.failed} failed, ${skipped} skipped`,
    ];
    process.on("exit", () => process.stdout.write(`${lines.join("\n")}\n`));
  }
}

function linesOfLeftOut(tests: readonly TestCase[]): string[] {
  return requirements
    .filter(({ isMet }) => !isMet())
    .flatMap(({ tag, what, debianPackages }) => {
      const leftOut = tests.filter(({ tags }) => tags.includes(tag));
      if (leftOut.length === 0) return [];
      const remedy =
        debianPackages.length === 0 ? "" : ` (apt-get install ${debianPackages.join(" ")})`;
      return [
        `Left out ${leftOut.length} tests: this machine lacks ${what}${remedy}.`,
        ...leftOut.map(({ module, fullName }) => `  ${module.relativeModuleId} > ${fullName}`),
      ];
    });
}
