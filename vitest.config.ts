import { defineConfig } from "vitest/config";

// Packages are tested from their sources; system tests run the built program, as users do.
export default defineConfig({
  resolve: { conditions: ["lever-source"] },
  ssr: { resolve: { conditions: ["lever-source"] } },
  test: {
    include: ["packages/**/*.test.ts", "scripts/**/*.test.ts", "tests/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    setupFiles: ["./tests/harness/setup.ts"],
    reporters: ["default", "./tests/harness/summary-reporter.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
