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

/**
 * Shorter names of variables take 0.1 MB less in an idle instance. The names of functions and the lines stay, for stack
 * traces.
 */
const shortNames = {
  mangle: { keepNames: true },
  compress: false,
  codegen: { removeWhitespace: false },
} as const;

/** V8 would keep two bytes for each character of a source that has any other one. */
const asciiOnly = {
  name: "ascii-only",
  renderChunk: (code: string) =>
    code.replace(/[^\0-\x7f]/g, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`),
};

/** One file for Node, and further ones only for what it imports later. */
async function bundleForNode(
  from: string,
  output: { format: "cjs" | "es"; entryFileNames: string; chunkFileNames: string },
  emptyOutDir: boolean,
): Promise<void> {
  await build({
    ...common,
    plugins: [asciiOnly],
    root: packages,
    ssr: { noExternal: true, resolve: { conditions: ["lever-source"] } },
    build: {
      ssr: from,
      target,
      outDir: instance,
      emptyOutDir,
      minify: false,
      rolldownOptions: { output: { ...output, comments: false, minify: shortNames } },
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
for (const name of ["thread-setup", "adapters"]) {
  const output = { ...program, entryFileNames: `${name}.cjs` };
  await bundleForNode(`runtime/src/thread/${name}.ts`, output, false);
}
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
