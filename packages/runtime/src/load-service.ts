import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { isCallableName, isReservedName } from "@leveros/protocol";

// biome-ignore lint/suspicious/noExplicitAny: the functions of a service have any parameters and results.
export type Method = (...args: any[]) => unknown;

/** Longest reason that is reported when a service cannot be loaded, in characters. */
const REASON_LENGTH_MAX = 4_000;

/**
 * Imports a service's module and lists its methods.
 * @throws the error that the module throws while it loads.
 */
export async function loadService(codeDir: string, jsEntry: string): Promise<Map<string, Method>> {
  const exports: unknown = await import(pathToFileURL(`${codeDir}/${jsEntry}`).href);
  return listMethods(exports);
}

/**
 * The methods and hooks of a module: its own exported functions, without classes, the default export, and names that start
 * with `_`. The exports of a CommonJS module are the properties of `module.exports`.
 */
export function listMethods(namespace: unknown): Map<string, Method> {
  const methods = new Map<string, Method>();
  if (!isRecord(namespace)) return methods;
  const exported = Object.hasOwn(namespace, "module.exports")
    ? namespace["module.exports"]
    : namespace;
  if (!isRecord(exported)) return methods;
  for (const name of Object.keys(exported)) {
    const value = exported[name];
    if (typeof value !== "function") continue;
    if (!isCallableName(name) && !isReservedName(name)) continue;
    if (/^class\b/.test(Function.prototype.toString.call(value))) continue;
    methods.set(name, value as Method);
  }
  return methods;
}

/** Formats an error for the service's author: with paths relative to the service, without stack frames of the loader. */
export function describeLoadError(error: unknown, codeDir: string): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : inspect(error);
  return text
    .replaceAll(`${pathToFileURL(codeDir).href}/`, "")
    .replaceAll(`${codeDir}/`, "")
    .split("\n")
    .filter((line) => !/^\s+at .*node:internal/.test(line))
    .join("\n")
    .trim()
    .slice(0, REASON_LENGTH_MAX);
}

/** Makes `leveros` importable in services that have not installed it. */
export function provideClient(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (specifier !== "leveros") return nextResolve(specifier, context);
      try {
        return nextResolve(specifier, context);
      } catch {
        // The bundle is in the folder of this program (scripts/bundle.ts).
        const url = pathToFileURL(`${import.meta.dirname}/leveros.mjs`).href;
        return { url, shortCircuit: true };
      }
    },
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
