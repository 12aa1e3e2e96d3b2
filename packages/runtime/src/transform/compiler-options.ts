import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type ts from "typescript6";
import { type FormatRule, formatRule } from "./module-format.ts";
import { TransformError } from "./transform-error.ts";

/** The options for the sources of one tsconfig.json. */
export interface Project {
  readonly options: ts.CompilerOptions;
  readonly rule: FormatRule;
  readonly files: string[];
}

/** Numbers of TypeScript's diagnostics: a file of the chain is missing, extends itself, or is no JSON. */
const CHAIN_FAULTS: readonly number[] = [5083, 6053, 18000, 5014, 1005, 1136, 1327];

/** Groups sources by the nearest tsconfig.json at or above them. @throws TransformError for one that cannot be read. */
export function groupByProject(
  compiler: typeof ts,
  files: readonly string[],
  folder: string,
): Project[] {
  const projects = new Map<string | undefined, Project>();
  const nearest = new Map<string, string | undefined>();
  for (const file of files) {
    const config = nearestConfig(dirname(file), folder, nearest);
    let project = projects.get(config);
    if (project === undefined) {
      project = readProject(compiler, config, folder);
      projects.set(config, project);
    }
    project.files.push(file);
  }
  return [...projects.values()];
}

function nearestConfig(
  dir: string,
  folder: string,
  known: Map<string, string | undefined>,
): string | undefined {
  if (known.has(dir)) return known.get(dir);
  const path = join(dir, "tsconfig.json");
  let found: string | undefined;
  if (existsSync(path)) found = path;
  // The service's own tsconfig does not count for packages.
  else if (dir !== folder && basename(dir) !== "node_modules") {
    found = nearestConfig(dirname(dir), folder, known);
  }
  known.set(dir, found);
  return found;
}

function readProject(compiler: typeof ts, path: string | undefined, folder: string): Project {
  const given = path === undefined ? {} : readOptions(compiler, path, folder);
  const rule = formatRule(compiler, given);
  return { options: emitOptions(compiler, given, rule), rule, files: [] };
}

/** The options of a tsconfig.json. One that only refers to others has those of the first. */
function readOptions(compiler: typeof ts, path: string, folder: string): ts.CompilerOptions {
  const read = new Set<string>();
  for (let next = path; ; ) {
    read.add(next);
    const { options, refersTo } = readConfig(compiler, next, folder);
    if (refersTo === undefined || read.has(refersTo)) return options;
    next = refersTo;
  }
}

interface ReadConfig {
  readonly options: ts.CompilerOptions;
  /** Another tsconfig, which has the options instead. */
  readonly refersTo: string | undefined;
}

/** Reads a tsconfig.json and all that it extends. @throws TransformError when one cannot be read. */
function readConfig(compiler: typeof ts, path: string, folder: string): ReadConfig {
  const { config, error } = compiler.readConfigFile(path, readText);
  if (error !== undefined) throw new TransformError(describe(compiler, error, folder));
  const isInside = (file: string): boolean => file.startsWith(`${folder}/`) && existsSync(file);
  const host: ts.ParseConfigHost = {
    useCaseSensitiveFileNames: true,
    // The files of a project do not matter: every source of the folder is transformed.
    readDirectory: () => [],
    fileExists: isInside,
    readFile: (file) => (isInside(file) ? readText(file) : undefined),
  };
  const parsed = compiler.parseJsonConfigFileContent(config, host, dirname(path), undefined, path);
  const fault = parsed.errors.find(({ code }) => CHAIN_FAULTS.includes(code));
  if (fault !== undefined) {
    const reason = flatten(compiler, fault).replaceAll(`${folder}/`, "");
    throw new TransformError(
      `${relative(folder, path)}: ${reason} What a tsconfig.json extends must be in the service folder.`,
    );
  }
  const [reference] = parsed.projectReferences ?? [];
  const isSolution = Array.isArray(config.files) && config.files.length === 0;
  const referred =
    isSolution && reference !== undefined
      ? compiler.resolveProjectReferencePath(reference)
      : undefined;
  const isThere = referred !== undefined && isInside(referred);
  return { options: parsed.options, refersTo: isThere ? referred : undefined };
}

/** The options that change what the code means stay; those about where and what tsc writes, and about types, do not. */
function emitOptions(
  compiler: typeof ts,
  given: ts.CompilerOptions,
  rule: FormatRule,
): ts.CompilerOptions {
  const { ModuleKind, ScriptTarget, JsxEmit } = compiler;
  const target = given.target ?? ScriptTarget.LatestStandard;
  const { jsx } = given;
  const isRunnable =
    jsx === JsxEmit.React || jsx === JsxEmit.ReactJSX || jsx === JsxEmit.ReactJSXDev;
  return {
    ...pick(given),
    // By the syntax of Node's own release; decorators are the only newer syntax.
    target: ScriptTarget.ES2024,
    useDefineForClassFields: given.useDefineForClassFields ?? target >= ScriptTarget.ES2022,
    module: rule === "commonjs" ? ModuleKind.CommonJS : ModuleKind.NodeNext,
    moduleResolution: compiler.ModuleResolutionKind.Bundler,
    // Node cannot load what "preserve" leaves.
    jsx: isRunnable ? jsx : JsxEmit.ReactJSX,
    allowJs: true,
    noCheck: true,
    noLib: true,
    types: [],
    sourceMap: true,
    newLine: compiler.NewLineKind.LineFeed,
    resolveJsonModule: true,
    allowImportingTsExtensions: true,
    // Files keep their names.
    rewriteRelativeImportExtensions: false,
    noEmitOnError: false,
  };
}

const KEPT = [
  "baseUrl",
  "customConditions",
  "emitDecoratorMetadata",
  "esModuleInterop",
  "allowSyntheticDefaultImports",
  "experimentalDecorators",
  "isolatedModules",
  "jsxFactory",
  "jsxFragmentFactory",
  "jsxImportSource",
  "moduleDetection",
  "paths",
  "pathsBasePath",
  "preserveConstEnums",
  "reactNamespace",
  "rootDirs",
  "strict",
  "strictNullChecks",
  "verbatimModuleSyntax",
] as const;

function pick(given: ts.CompilerOptions): ts.CompilerOptions {
  return Object.fromEntries(
    KEPT.filter((name) => name in given).map((name) => [name, given[name]]),
  );
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function flatten(compiler: typeof ts, { messageText }: ts.Diagnostic): string {
  return compiler.flattenDiagnosticMessageText(messageText, " ");
}

/** `path:line:column: message`, with a path relative to the folder. */
export function describe(compiler: typeof ts, fault: ts.Diagnostic, folder: string): string {
  const message = flatten(compiler, fault);
  const { file, start } = fault;
  if (file === undefined || start === undefined) return message;
  const { line, character } = file.getLineAndCharacterOfPosition(start);
  return `${relative(folder, file.fileName)}:${line + 1}:${character + 1}: ${message}`;
}
