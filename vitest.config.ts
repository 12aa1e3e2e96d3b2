import { defineConfig } from "vitest/config";
import { requirements } from "./tests/harness/requirements.ts";

// All tests run the packages from their TypeScript sources. With LEVER_TEST_DIST=1 hosts and commands run as built.
export default defineConfig({
  resolve: { conditions: ["lever-source"] },
  ssr: { resolve: { conditions: ["lever-source"] } },
  test: {
    exclude: ["**/node_modules/**", "**/dist/**"],
    setupFiles: ["./tests/harness/setup.ts"],
    reporters: ["default", "./tests/harness/summary-reporter.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    tags: requirements.map(({ tag, what, isMet }) => ({
      name: tag,
      description: `Needs ${what}.`,
      ...(isMet() ? {} : { skip: true }),
    })),
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
          include: ["tests/**/*.test.ts", "bench/**/*.test.ts"],
          globalSetup: ["./tests/harness/global-setup.ts"],
        },
      },
    ],
  },
});
