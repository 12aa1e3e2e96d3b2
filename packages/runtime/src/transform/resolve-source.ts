import { existsSync, realpathSync } from "node:fs";
import { dirname, relative } from "node:path";
import type ts from "typescript6";

/** A specifier that does not name a package: it may stand for one of the user's own files. */
const OWN = /^(?:\.{0,2}\/|\.{1,2}$|#)/;
const JAVASCRIPT_OF: Readonly<Record<string, string>> = {
  ".d.ts": ".js",
  ".d.mts": ".mjs",
  ".d.cts": ".cjs",
};

/** Finds the files that imports mean, as TypeScript does. */
export class SourceResolver {
  readonly #compiler: typeof ts;
  readonly #options: ts.CompilerOptions;
  readonly #host: ts.ModuleResolutionHost;
  readonly #cache: ts.ModuleResolutionCache;
  readonly #patterns: readonly string[];

  constructor(compiler: typeof ts, options: ts.CompilerOptions, host: ts.CompilerHost) {
    this.#compiler = compiler;
    this.#options = options;
    this.#host = host;
    this.#patterns = Object.keys(options.paths ?? {});
    this.#cache = compiler.createModuleResolutionCache(
      host.getCurrentDirectory(),
      (name) => name,
      options,
    );
  }

  /** The own file that a specifier means; undefined = a package, or nothing. */
  resolve(specifier: string, from: string): ts.ResolvedModuleFull | undefined {
    if (!this.#mayBeOwn(specifier)) return undefined;
    const resolved = this.#find(specifier, from);
    return resolved?.isExternalLibraryImport === true ? undefined : resolved;
  }

  /** The file of a package that a specifier means, if it is one of these sources. */
  resolvePackage(
    specifier: string,
    from: string,
    sources: ReadonlySet<string>,
  ): ts.ResolvedModuleFull | undefined {
    const resolved = this.#find(specifier, from);
    if (resolved === undefined || !sources.has(resolved.resolvedFileName)) return undefined;
    // The compiler writes no files of external libraries.
    return { ...resolved, isExternalLibraryImport: false };
  }

  #find(specifier: string, from: string): ts.ResolvedModuleFull | undefined {
    return this.#compiler.resolveModuleName(specifier, from, this.#options, this.#host, this.#cache)
      .resolvedModule;
  }

  /** The relative specifier by which Node finds that file; undefined = the specifier stays. */
  rewrite(specifier: string, from: string): string | undefined {
    const resolved = this.resolve(specifier, from);
    if (resolved === undefined) return undefined;
    const path = javaScriptOf(resolved.resolvedFileName);
    if (path === undefined) return undefined;
    const relativePath = relative(dirname(from), path);
    const written = relativePath.startsWith(".") ? relativePath : `./${relativePath}`;
    return written === specifier ? undefined : written;
  }

  #mayBeOwn(specifier: string): boolean {
    if (OWN.test(specifier)) return true;
    if (specifier.startsWith("node:")) return false;
    if (this.#options.baseUrl !== undefined) return true;
    return this.#patterns.some((pattern) => {
      const [start = "", end] = pattern.split("*");
      if (end === undefined) return specifier === pattern;
      return specifier.startsWith(start) && specifier.endsWith(end);
    });
  }
}

/** A declaration stands for the JavaScript file beside it. */
function javaScriptOf(path: string): string | undefined {
  const [, name = "", extension = ""] = /^(.*)(\.d\.[cm]?ts)$/.exec(path) ?? [];
  if (extension === "") return path;
  const script = name + (JAVASCRIPT_OF[extension] ?? "");
  return existsSync(script) ? realpathSync(script) : undefined;
}
