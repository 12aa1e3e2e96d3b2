import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { isCallableName } from "@leveros/protocol";
import { describeExports } from "./describe-exports.ts";
import { type ExportedMethod, listMethods, UnusableModule } from "./list-methods.ts";
import { isOriginalClient } from "./original-client.ts";

/** Longest reason that is reported when a service cannot be loaded, in characters. */
const REASON_LENGTH_MAX = 4_000;
/** Beginning of the URL of the module that imports the service's module. */
const IMPORTER = "data:text/javascript,";

/**
 * Imports a service's module and lists its methods and hooks.
 * @throws the error that the module throws while it loads; UnusableModule for one that cannot be a service.
 */
export async function loadService(
  codeDir: string,
  jsEntry: string,
): Promise<Map<string, ExportedMethod>> {
  const url = pathToFileURL(`${codeDir}/${jsEntry}`).href;
  // Another module imports the service's: a promise of this one, from import() or an async function, would call a function
  // `then` that it exports, and wait for it.
  const importer = `import * as service from ${JSON.stringify(url)}; export { service };`;
  const { service: namespace } = await import(`${IMPORTER}${encodeURIComponent(importer)}`);
  const methods = listMethods(namespace);
  for (const name of methods.keys()) if (isCallableName(name)) return methods;
  throw new UnusableModule(describeExports(namespace));
}

/**
 * Formats an error for the service's author: with paths relative to the service, without stack frames of Node's loader and of
 * this program.
 */
export function describeLoadError(error: unknown, codeDir: string): string {
  if (error instanceof UnusableModule) return error.message;
  const text = error instanceof Error ? (error.stack ?? error.message) : inspect(error);
  return text
    .replaceAll(`${pathToFileURL(codeDir).href}/`, "")
    .replaceAll(`${codeDir}/`, "")
    .split("\n")
    .filter((line) => !isFrameOfLever(line))
    .join("\n")
    .replaceAll(/ imported from data:text\/javascript,\S*/g, "")
    .trim()
    .slice(0, REASON_LENGTH_MAX);
}

/** True for a line of a stack that is not the service's: its own paths are relative by now. */
function isFrameOfLever(line: string): boolean {
  if (!/^\s+at /.test(line)) return false;
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
