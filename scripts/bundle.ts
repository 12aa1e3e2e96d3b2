/**
 * Bundles the programs that run where no packages are installed, from their sources: the client for pages
 * (packages/client/dist/browser/leveros.js), and the program of an instance with the client that services may import
 * (packages/runtime/dist/instance).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, transformWithOxc } from "vite";

const packages = join(import.meta.dirname, "../packages");
const common = { configFile: false, logLevel: "error" } as const;
const target = "es2024";

await build({
  ...common,
  root: join(packages, "client"),
  resolve: { conditions: ["browser", "lever-source"] },
  build: {
    target,
    outDir: "dist/browser",
    lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "leveros.js" },
  },
});

const instance = join(packages, "runtime/dist/instance");

/** One file for Node, and further ones only for what it imports later. */
async function bundleForNode(
  from: string,
  output: { format: "cjs" | "es"; entryFileNames: string; chunkFileNames: string },
  emptyOutDir: boolean,
): Promise<void> {
  await build({
    ...common,
    root: packages,
    ssr: { noExternal: true, resolve: { conditions: ["lever-source"] } },
    build: {
      ssr: from,
      target,
      outDir: instance,
      emptyOutDir,
      // Names and lines stay, for those who read a service's stack traces.
      minify: false,
      rolldownOptions: { output: { ...output, comments: false } },
    },
  });
}

// As CommonJS: to import one of Node's modules as an ES module loads all that it would only load when it is needed.
const program = {
  format: "cjs",
  entryFileNames: "main.cjs",
  chunkFileNames: "[name].cjs",
} as const;
await bundleForNode("runtime/src/main.ts", program, true);
const setup = { ...program, entryFileNames: "thread-setup.cjs" };
await bundleForNode("runtime/src/thread/thread-setup.ts", setup, false);
const client = {
  format: "es",
  entryFileNames: "leveros.mjs",
  chunkFileNames: "[name].mjs",
} as const;
await bundleForNode("client/src/index.ts", client, false);
// A module of its own, as the module of a service is.
const warmUp = join(packages, "runtime/src/warm-up-service.cts");
const { code } = await transformWithOxc(readFileSync(warmUp, "utf8"), "warm-up-service.ts", {
  target,
});
writeFileSync(join(instance, "warm-up-service.cjs"), code);
