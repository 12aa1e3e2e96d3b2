import { createRequire, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { inspect, types } from "node:util";
import { isCallableName } from "@leveros/protocol";
import { type ExportedMethod, listMethods, UnusableModule } from "./list-methods.ts";
import { isOriginalClient } from "./original-client.ts";

/** Longest reason that is reported when a service cannot be loaded, in characters. */
const REASON_LENGTH_MAX = 4_000;
/** Beginning of the URL of the module that imports the service's module. */
const IMPORTER = "data:text/javascript,";

/**
 * Loads a service's module and lists its methods and hooks. `isImported`: as `import` does, because a module that came
 * before it may have registered hooks for that. `require` takes 0.2 MB less, and loads everything else but top-level await.
 * @throws the error that the module throws while it loads; UnusableModule for one that cannot be a service.
 */
export async function loadService(
  codeDir: string,
  jsEntry: string,
  { isImported = false }: { readonly isImported?: boolean } = {},
): Promise<Map<string, ExportedMethod>> {
  const path = `${codeDir}/${jsEntry}`;
  const { loaded } = isImported ? await importModule(path) : await requireModule(path);
  const methods = listMethods(loaded);
  for (const name of methods.keys()) if (isCallableName(name)) return methods;
  const { describeExports } = await import("./describe-exports.ts");
  throw new UnusableModule(describeExports(loaded));
}

/** In an object: a promise of a module itself would call a function `then` that it exports, and wait for it. */
interface Loaded {
  readonly loaded: unknown;
}

async function requireModule(path: string): Promise<Loaded> {
  try {
    const exported: unknown = createRequire(import.meta.filename)(path);
    // As `import` returns it.
    const isNamespace = types.isModuleNamespaceObject(exported);
    return { loaded: isNamespace ? exported : { "module.exports": exported } };
  } catch (error) {
    const hasTopLevelAwait =
      error instanceof Error && "code" in error && error.code === "ERR_REQUIRE_ASYNC_MODULE";
    if (!hasTopLevelAwait) throw error;
    return await importModule(path);
  }
}

/** By way of another module, since import() returns a promise of the module. */
async function importModule(path: string): Promise<Loaded> {
  const url = pathToFileURL(path).href;
  const importer = `import * as loaded from ${JSON.stringify(url)}; export { loaded };`;
  return await import(`${IMPORTER}${encodeURIComponent(importer)}`);
}

/**
 * Formats an error for the service's author: with paths relative to the service, without stack frames of Node's loader and of
 * this program. A syntax error gets its place, which Node leaves out for ES modules.
 */
export async function describeLoadError(
  error: unknown,
  { codeDir, jsEntry = "" }: { readonly codeDir: string; readonly jsEntry?: string | undefined },
): Promise<string> {
  if (error instanceof UnusableModule) return error.message;
  const stack = error instanceof Error ? (error.stack ?? error.message) : inspect(error);
  return `${await placeOf(error, `${codeDir}/${jsEntry}`)}${stack}`
    .replaceAll(`${pathToFileURL(codeDir).href}/`, "")
    .replaceAll(`${codeDir}/`, "")
    .split("\n")
    .filter((line) => !isLineOfLever(line))
    .join("\n")
    .replaceAll(/ imported from data:text\/javascript,\S*/g, "")
    .trim()
    .slice(0, REASON_LENGTH_MAX);
}

async function placeOf(error: unknown, entry: string): Promise<string> {
  if (!(error instanceof SyntaxError) || error.stack?.startsWith("SyntaxError") !== true) return "";
  const { findSyntaxError } = await import("./find-syntax-error.ts");
  const place = findSyntaxError(entry, error);
  return place === undefined ? "" : `${place}\n\n`;
}

/** True for a line that is not the service's: a frame, or a module in a `require` stack. Its own paths are relative by now. */
function isLineOfLever(line: string): boolean {
  if (!/^\s+at |^- /.test(line)) return false;
  return (
    /\bnode:internal\b/.test(line) || line.includes(import.meta.dirname) || line.includes(IMPORTER)
  );
}

/** Makes `leveros` importable in services that have not installed it, or that have installed the original's. */
export function provideClient(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (specifier !== "leveros") return nextResolve(specifier, context);
      try {
        const found = nextResolve(specifier, context);
        if (!isOriginalClient(found.url)) return found;
      } catch {
        // It is not installed.
      }
      // The bundle is in the folder of this program (scripts/bundle.ts).
      const url = pathToFileURL(`${import.meta.dirname}/leveros.mjs`).href;
      return { url, shortCircuit: true };
    },
  });
}
