import { createRequire, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { types } from "node:util";
import { isCallableName } from "@leveros/protocol";
import { type ExportedMethod, listMethods, UnusableModule } from "./list-methods.ts";
import { isOriginalClient } from "./original-client.ts";

/** Beginning of the URL of the module that imports the service's module. */
export const IMPORTER = "data:text/javascript,";

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
 * Makes `leveros` importable in services that have not installed it, or that have installed the original's. `onSpanApi` gets
 * the URL of OpenTelemetry's API when the service asks for it.
 */
export function provideClient(onSpanApi: (url: string) => void): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (specifier !== "leveros") {
        const found = nextResolve(specifier, context);
        if (specifier === "@opentelemetry/api") onSpanApi(found.url);
        return found;
      }
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
