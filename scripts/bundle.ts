/**
 * Bundles what runs where no packages are installed: the client for pages (packages/client/dist/browser/leveros.js), and
 * the program of an instance with the client that services may import (packages/runtime/dist/instance).
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";

const packages = join(import.meta.dirname, "../packages");
const common = { configFile: false, logLevel: "error" } as const;
const target = "es2024";

await build({
  ...common,
  root: join(packages, "client"),
  resolve: { conditions: ["browser"] },
  build: {
    target,
    outDir: "dist/browser",
    lib: { entry: "dist/index.js", formats: ["es"], fileName: () => "leveros.js" },
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
const client = {
  format: "es",
  entryFileNames: "leveros.mjs",
  chunkFileNames: "[name].mjs",
} as const;
await bundleForNode("client/src/index.ts", client, false);
// What the warm-up loads is a module of its own, as a service's is.
copyFileSync(
  join(packages, "runtime/dist/warm-up-service.cjs"),
  join(instance, "warm-up-service.cjs"),
);
