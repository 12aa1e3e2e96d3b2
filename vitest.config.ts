import { defineConfig } from "vitest/config";
import { ALONE, filesAlone } from "./tests/harness/files-alone.ts";
import { requirements } from "./tests/harness/requirements.ts";

const systemTests = ["tests/**/*.test.ts", "bench/**/*.test.ts"];
const alone = filesAlone(systemTests);

// All tests run the packages from their TypeScript sources. With LEVER_TEST_DIST=1 hosts and commands run as built.
export default defineConfig({
  resolve: { conditions: ["lever-source"] },
  ssr: { resolve: { conditions: ["lever-source"] } },
  test: {
    exclude: ["**/node_modules/**", "**/dist/**"],
    setupFiles: ["./tests/harness/setup.ts"],
    // On any machine. Two files of system tests, which wait half of their time, keep two processors busy.
    maxWorkers: 2,
    reporters: ["default", "./tests/harness/summary-reporter.ts"],
    // A test waits for events, not for time. It gets a multiple of what it takes, for machines that do other things, too.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    tags: [
      { name: ALONE, description: "Shares the machine with no other test." },
      ...requirements.map(({ tag, what, isMet }) => ({
        name: tag,
        description: `Needs ${what}.`,
        ...(isMet() ? {} : { skip: true }),
      })),
    ],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/**/*.test.ts", "scripts/**/*.test.ts"],
          // These tests clean up after themselves; a process per file would double their time.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "system",
          include: systemTests,
          exclude: ["**/node_modules/**", ...alone],
          globalSetup: ["./tests/harness/global-setup.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "system-alone",
          include: alone,
          globalSetup: ["./tests/harness/global-setup.ts"],
          maxWorkers: 1,
          // After the others.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
