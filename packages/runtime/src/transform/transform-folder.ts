import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type ts from "typescript6";
import { describe, groupByProject, type Project } from "./compiler-options.ts";
import { findSources } from "./find-sources.ts";
import { type ModuleFormat, moduleFormat } from "./module-format.ts";
import { SourceResolver } from "./resolve-source.ts";
import { rewriteSpecifiers } from "./rewrite-specifiers.ts";
import { TransformError } from "./transform-error.ts";

/** A file to write, relative to the folder. */
export interface TransformedFile {
  readonly path: string;
  readonly text: string;
}

interface FolderOptions {
  readonly folder: string;
  /** The module that the service starts with. */
  readonly entry: string;
}

/** Syntax errors that one message names. */
const FAULTS_NAMED_MAX = 10;

/**
 * Makes JavaScript of all sources of a folder, as tsc does with each one's tsconfig.json, but under the same names, with
 * a source map beside each. Types are not checked.
 * @throws TransformError for a syntax error in a file that the entry imports, directly or not. Any other file with one
 * becomes a module that throws it.
 */
export function* transformFolder(
  compiler: typeof ts,
  { folder, entry }: FolderOptions,
): Generator<TransformedFile> {
  const root = realpathSync(folder);
  const imports = new Map<string, string[]>();
  const sources = findSources(root);
  const packages = new Set(sources.filter((path) => path.includes("/node_modules/")));
  const programs = groupByProject(compiler, sources, root).map(
    (project) => new ProjectProgram(compiler, { project, packages, folder: root, imports }),
  );
  const faults = new Map<string, string>();
  for (const program of programs) program.addFaults(faults);
  if (faults.size > 0) {
    const reached = reachable(join(root, entry), imports);
    const named = [...faults].filter(([file]) => reached.has(file)).map(([, fault]) => fault);
    if (named.length > 0) throw new TransformError(named.slice(0, FAULTS_NAMED_MAX).join("\n"));
  }
  for (const program of programs) yield* program.emit(faults);
}

/** The files that a file imports, directly or not, and itself. */
function reachable(file: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set([file]);
  for (const next of reached) for (const found of imports.get(next) ?? []) reached.add(found);
  return reached;
}

interface ProgramOptions {
  readonly project: Project;
  /** The sources of packages. */
  readonly packages: ReadonlySet<string>;
  readonly folder: string;
  /** The own files that each file imports. The program adds those that it reads. */
  readonly imports: Map<string, string[]>;
}

/** The sources of one tsconfig.json. */
class ProjectProgram {
  readonly #compiler: typeof ts;
  readonly #project: Project;
  readonly #folder: string;
  readonly #program: ts.Program;
  readonly #resolver: SourceResolver;
  readonly #formats = new Map<string, ModuleFormat>();

  constructor(compiler: typeof ts, { project, packages, folder, imports }: ProgramOptions) {
    this.#compiler = compiler;
    this.#project = project;
    this.#folder = folder;
    const host = this.#host();
    const resolver = new SourceResolver(compiler, { options: project.options, host, packages });
    this.#resolver = resolver;
    host.resolveModuleNameLiterals = (literals, from) =>
      literals.map(({ text }) => {
        const resolvedModule = resolver.resolve(text, from);
        if (resolvedModule === undefined) return { resolvedModule };
        const path = resolvedModule.resolvedFileName;
        imports.set(from, [...(imports.get(from) ?? []), path]);
        // The contents of other files decide nothing.
        const matters = /\.(?:[cm]?ts|tsx)$/.test(path);
        return { resolvedModule: matters ? resolvedModule : undefined };
      });
    const { files, options } = project;
    this.#program = compiler.createProgram({ rootNames: files, options, host });
  }

  /** Adds the first syntax error of each file. */
  addFaults(faults: Map<string, string>): void {
    for (const file of this.#project.files) {
      const source = this.#program.getSourceFile(file);
      const [fault] = source === undefined ? [] : this.#program.getSyntacticDiagnostics(source);
      if (fault !== undefined) faults.set(file, describe(this.#compiler, fault, this.#folder));
    }
  }

  *emit(faults: ReadonlyMap<string, string>): Generator<TransformedFile> {
    const after = [
      rewriteSpecifiers(this.#compiler, (specifier, from) =>
        this.#resolver.rewrite(specifier, from),
      ),
    ];
    for (const file of this.#project.files) {
      const path = relative(this.#folder, file);
      const format = this.#formats.get(file) ?? "commonjs";
      const mapName = `${file.slice(dirname(file).length + 1)}.${format === "module" ? "m" : "c"}js.map`;
      const reference = `//# sourceMappingURL=${mapName}\n`;
      const fault = faults.get(file);
      if (fault !== undefined) {
        yield { path, text: `throw new SyntaxError(${JSON.stringify(fault)});\n${reference}` };
        continue;
      }
      const { text, map } = this.#emitOne(file, { after });
      yield { path, text: text.replace(/\/\/# sourceMappingURL=[^\n]*\n?$/, "") + reference };
      yield { path: join(dirname(path), mapName), text: map };
    }
  }

  #emitOne(
    file: string,
    transformers: ts.CustomTransformers,
  ): { readonly text: string; readonly map: string } {
    let text: string | undefined;
    let map = "";
    this.#program.emit(
      this.#program.getSourceFile(file),
      (path, content) => {
        if (path.endsWith(".map")) map = content;
        else text = content;
      },
      undefined,
      false,
      transformers,
    );
    if (text !== undefined) return { text, map };
    // tsc would write another source to the same name, as for `a.ts` and `a.tsx`: here both have their own.
    const alone = this.#compiler.transpileModule(readFileSync(file, "utf8"), {
      fileName: file,
      compilerOptions: this.#project.options,
      transformers,
    });
    return { text: alone.outputText, map: alone.sourceMapText ?? "" };
  }

  #host(): ts.CompilerHost {
    const compiler = this.#compiler;
    const folder = this.#folder;
    const isFile = (path: string): boolean =>
      path.startsWith(`${folder}/`) && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
    const readFile = (path: string): string | undefined =>
      isFile(path) ? readFileSync(path, "utf8") : undefined;
    return {
      getSourceFile: (path, options) => {
        const text = readFile(path);
        if (text === undefined) return undefined;
        const source = compiler.createSourceFile(path, text, options);
        this.#setFormat(source, options);
        return source;
      },
      getDefaultLibFileName: () => "lib.d.ts",
      getCurrentDirectory: () => folder,
      getCanonicalFileName: (path) => path,
      useCaseSensitiveFileNames: () => true,
      getNewLine: () => "\n",
      fileExists: isFile,
      readFile,
      directoryExists: (path) =>
        path.startsWith(folder) &&
        statSync(path, { throwIfNoEntry: false })?.isDirectory() === true,
      realpath: (path) => (existsSync(path) ? realpathSync(path) : path),
      writeFile: () => {},
    };
  }

  /** Decides the format by the rules here, which read the syntax too; then the file's being a module follows from it. */
  #setFormat(source: ts.SourceFile, options: ts.ScriptTarget | ts.CreateSourceFileOptions): void {
    const { ModuleKind } = this.#compiler;
    const { rule } = this.#project;
    const format = moduleFormat(this.#compiler, source, { rule, folder: this.#folder });
    this.#formats.set(source.fileName, format);
    source.impliedNodeFormat = format === "module" ? ModuleKind.ESNext : ModuleKind.CommonJS;
    if (typeof options === "object") options.setExternalModuleIndicator?.(source);
  }
}
