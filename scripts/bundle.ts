/**
 * Bundles programs from their sources. Two run where no packages are installed: the client for pages
 * (packages/client/dist/browser/leveros.js), and the program of an instance with the client that services may import
 * (packages/runtime/dist/instance). The lever command (packages/cli/dist/command.cjs) starts faster from few files. The
 * console (packages/host/dist/console) is files that the host serves.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build, parseAst, transformWithOxc } from "vite";
import { bundleConsole } from "./bundle-console.ts";

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

await bundleConsole(join(packages, "host/dist/console"));

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

/** Without indentation and names of modules, an idle instance keeps 7 kB less. Text of several lines must stay as it is. */
const short = {
  name: "short",
  generateBundle: (_options: unknown, files: Readonly<Record<string, object>>): void => {
    for (const file of Object.values(files)) {
      if (!("code" in file) || typeof file.code !== "string") continue;
      const tree = JSON.stringify(parseAst(file.code));
      if (/"raw":"(?:[^"\\]|\\[^n])*\\n(?:\\t|\/\/)/.test(tree)) {
        throw new Error("Cannot shorten the program: a text has lines that would change.");
      }
      file.code = file.code.replace(/^\t+|^\/\/ packages\/.*\n/gm, "");
    }
  },
};

/** The parser of the command line needs this module only for programs of their own, which lever has none of. */
const lazyChildProcess = {
  name: "lazy-child-process",
  enforce: "pre",
  resolveId: (id: string, importer = "") =>
    id === "node:child_process" && importer.includes("/commander/") ? "\0child-process" : undefined,
  load: (id: string) =>
    id === "\0child-process"
      ? 'export default { spawn: (...args) => process.getBuiltinModule("node:child_process").spawn(...args) };'
      : undefined,
} as const;

interface NodeBundle {
  readonly from: string;
  readonly to: string;
  readonly format: "cjs" | "es";
  readonly entryFileNames: string;
  readonly chunkFileNames: string;
  readonly emptyOutDir?: boolean;
  /** Packages that stay imports. */
  readonly external?: string[];
  /** Modules that are together in one file, although not every start needs all of them. */
  readonly groups?: { name: string; test?: RegExp; tags?: "$initial"[] }[];
}

/** One file for Node, and further ones only for what it imports later. */
async function bundleForNode(bundle: NodeBundle): Promise<void> {
  const { from, to, emptyOutDir = false, external = [], groups = [], ...names } = bundle;
  await build({
    ...common,
    plugins: [asciiOnly, short, lazyChildProcess],
    root: packages,
    ssr: { noExternal: true, external, resolve: { conditions: ["lever-source"] } },
    build: {
      ssr: from,
      target,
      outDir: to,
      emptyOutDir,
      minify: false,
      rolldownOptions: {
        output: {
          ...names,
          comments: false,
          minify: shortNames,
          externalLiveBindings: false,
          codeSplitting: { groups },
        },
      },
    },
  });
}

// As CommonJS: to import one of Node's modules as an ES module loads all that it would only load when it is needed.
const program = { format: "cjs", chunkFileNames: "[name].cjs" } as const;
await bundleForNode({
  ...program,
  from: "runtime/src/main.ts",
  to: instance,
  entryFileNames: "main.cjs",
  emptyOutDir: true,
  // All that is loaded at the start, also when a later file uses it. Each further file takes memory, and so does the parser for
  // a long one: two files take 0.17 MB less than one, and less than three.
  groups: [
    { name: "link", test: /\/packages\/protocol\/src\/link\//, tags: ["$initial"] },
    { name: "main", tags: ["$initial"] },
  ],
});
for (const name of ["thread/thread-setup", "thread/adapters", "output/own-output", "spans/spans"]) {
  await bundleForNode({
    ...program,
    from: `runtime/src/${name}.ts`,
    to: instance,
    entryFileNames: `${basename(name)}.cjs`,
  });
}
await bundleForNode({
  from: "client/src/index.ts",
  to: instance,
  format: "es",
  entryFileNames: "leveros.mjs",
  chunkFileNames: "[name].mjs",
});
const command = join(packages, "cli/dist");
rmSync(join(command, "command"), { recursive: true, force: true });
await bundleForNode({
  ...program,
  from: "cli/src/main.ts",
  to: command,
  entryFileNames: "command.cjs",
  chunkFileNames: "command/[name].cjs",
  external: ["@leveros/host"],
  groups: [{ name: "common", test: /\/packages\/(?:cli|protocol)\/src\/[^/]+$/ }],
});
// `lever init` begins with one of them.
const isTemplate = (path: string): boolean => !path.includes("node_modules");
const examples = join(packages, "../examples");
cpSync(examples, join(command, "examples"), { recursive: true, filter: isTemplate });
// A module of its own, as the module of a service is.
const warmUp = join(packages, "runtime/src/warm-up-service.cts");
const { code } = await transformWithOxc(readFileSync(warmUp, "utf8"), "warm-up-service.ts", {
  target,
});
writeFileSync(join(instance, "warm-up-service.cjs"), code);
