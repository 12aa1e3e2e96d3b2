/** Bundles the client for pages: one ES module without dependencies, packages/client/dist/browser/leveros.js. */
import { join } from "node:path";
import { build } from "vite";

const client = join(import.meta.dirname, "../packages/client");

await build({
  configFile: false,
  logLevel: "error",
  root: client,
  resolve: { conditions: ["browser"] },
  build: {
    target: "es2024",
    outDir: "dist/browser",
    lib: { entry: "dist/index.js", formats: ["es"], fileName: () => "leveros.js" },
  },
});
