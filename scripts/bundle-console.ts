import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";

/** Browsers of the last two years: they have all that the styles use. */
const BROWSERS = ["chrome123", "firefox128", "safari17.5"];

/** Shorter files gain nothing. */
const COMPRESSED_FROM_BYTES = 512;

/** Builds the console into a folder, with each file compressed beside it. */
export async function bundleConsole(outDir: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: "error",
    root: join(import.meta.dirname, "../packages/console"),
    base: "/-/console/",
    resolve: { conditions: ["browser", "lever-source"] },
    // Tests build it, too: without positions of sources in it.
    oxc: { jsx: { runtime: "automatic", importSource: "preact", development: false } },
    build: {
      target: BROWSERS,
      outDir,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
  for (const path of globSync("**/*.{html,js,css,svg}", { cwd: outDir })) {
    const content = readFileSync(join(outDir, path));
    if (content.length < COMPRESSED_FROM_BYTES) continue;
    const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
    writeFileSync(join(outDir, `${path}.gz`), gzipSync(content, { level: 9 }));
    writeFileSync(join(outDir, `${path}.br`), brotliCompressSync(content, quality));
  }
}
