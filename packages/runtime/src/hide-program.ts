import { createRequire, Module } from "node:module";

/**
 * Shows a service's module where a Node program finds its own one: `process.argv` and `require.main`. Both would be
 * Lever's program. `require.main` is not the module itself, so `require.main === module` is false: it has been imported.
 * `path`: absolute.
 */
export function hideProgram(path: string): void {
  process.argv.splice(1, Infinity, path);
  const main = new Module(path);
  main.filename = path;
  main.paths = createRequire(path).resolve.paths("package") ?? [];
  main.loaded = true;
  Reflect.set(process, "mainModule", main);
}
