import { cpSync, existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const RUNTIME = "@leveros/runtime";

/** The program of an instance, where Lever is installed. */
function runtimeMain(): string {
  return realpathSync(fileURLToPath(import.meta.resolve("@leveros/runtime/main")));
}

/** The same in a folder of packages that `copyRuntime` has made. */
export function mainIn(folder: string): string {
  return join(folder, RUNTIME, "dist/main.js");
}

/** The packages that an instance needs of Lever: their names and the folders that they are installed in. */
function runtimePackages(): Map<string, string> {
  const found = new Map<string, string>();
  const take = (dir: string): void => {
    const described = JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as {
      name: string;
      dependencies?: Record<string, string>;
    };
    if (found.has(described.name)) return;
    found.set(described.name, dir);
    for (const name of Object.keys(described.dependencies ?? {})) take(findPackage(name, dir));
  };
  take(dirname(dirname(runtimeMain())));
  return found;
}

/** Copies what runs of them, so that an instance sees this and nothing else of where Lever is installed. */
export function copyRuntime(to: string): void {
  for (const [name, dir] of runtimePackages()) {
    // What was installed below a package, and our own sources beside what is built of them, are not part of it.
    const left = /^(@leveros\/|leveros$)/.test(name) ? /\/(node_modules|src)$/ : /\/node_modules$/;
    cpSync(dir, join(to, name), {
      recursive: true,
      dereference: true,
      filter: (source) =>
        /\/[^./]+$|\.(js|cjs|mjs|json)$/.test(source) && !left.test(source.slice(dir.length)),
    });
  }
}

/** As Node looks for it: in each `node_modules` upwards. */
function findPackage(name: string, from: string): string {
  for (let dir = from; ; dir = dirname(dir)) {
    const found = join(dir, "node_modules", name);
    if (existsSync(join(found, "package.json"))) return realpathSync(found);
    if (dir === dirname(dir)) throw new Error(`Cannot find the package ${name} from ${from}.`);
  }
}
