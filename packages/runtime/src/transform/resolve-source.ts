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

interface ResolverOptions {
  readonly options: ts.CompilerOptions;
  readonly host: ts.CompilerHost;
  /** The sources of packages. */
  readonly packages: ReadonlySet<string>;
}

/** Finds the files that imports mean, as TypeScript does. */
export class SourceResolver {
  readonly #compiler: typeof ts;
  readonly #options: ts.CompilerOptions;
  readonly #host: ts.ModuleResolutionHost;
  readonly #cache: ts.ModuleResolutionCache;
  readonly #patterns: readonly string[];
  readonly #packages: ReadonlySet<string>;

  constructor(compiler: typeof ts, { options, host, packages }: ResolverOptions) {
    this.#compiler = compiler;
    this.#options = options;
    this.#packages = packages;
    this.#host = host;
    this.#patterns = Object.keys(options.paths ?? {});
    this.#cache = compiler.createModuleResolutionCache(
      host.getCurrentDirectory(),
      (name) => name,
      options,
    );
  }

  /** The own file, or source of a package, that a specifier means; undefined = another package, or nothing. */
  resolve(specifier: string, from: string): ts.ResolvedModuleFull | undefined {
    if (this.#packages.size === 0 && !this.#mayBeOwn(specifier)) return undefined;
    const { resolvedModule } = this.#compiler.resolveModuleName(
      specifier,
      from,
      this.#options,
      this.#host,
      this.#cache,
    );
    if (resolvedModule?.isExternalLibraryImport !== true) return resolvedModule;
    if (!this.#packages.has(resolvedModule.resolvedFileName)) return undefined;
    // The compiler writes no files of external libraries.
    return { ...resolvedModule, isExternalLibraryImport: false };
  }

  /** The relative specifier by which Node finds that file; undefined = the specifier stays. */
  rewrite(specifier: string, from: string): string | undefined {
    // Node finds packages by their names.
    const resolved = this.#mayBeOwn(specifier) ? this.resolve(specifier, from) : undefined;
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
