import { readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { isJsonObject } from "@leveros/protocol";
import type ts from "typescript6";

/** How Node loads a module. */
export type ModuleFormat = "commonjs" | "module";

/** The rule that decides about the format of a tsconfig's files besides their names. */
export type FormatRule =
  /** All are CommonJS. */
  | "commonjs"
  /** `type` of the nearest package.json. */
  | "package"
  /** Their own syntax. */
  | "syntax"
  /** `type` of the nearest package.json; where it is absent, their own syntax, as in Node. */
  | "package-or-syntax";

/** Names that only CommonJS modules have. */
const COMMONJS_NAMES = /\b(?:require\s*\(|module\.exports\b|__dirname\b|__filename\b)/;
/** Syntax that only ES modules have, and a way to `require` in one. */
const MODULE_NAMES = /\bimport\.meta\b|\bcreateRequire\b/;

/** The format in which tsc writes files, and Node runs them, by the options `module` and `target`. */
export function formatRule(compiler: typeof ts, options: ts.CompilerOptions): FormatRule {
  const { ModuleKind, ScriptTarget } = compiler;
  const { module, target } = options;
  if (module === undefined) {
    if (target === undefined) return "package-or-syntax";
    return target >= ScriptTarget.ES2015 ? "syntax" : "commonjs";
  }
  if (module >= ModuleKind.Node16 && module <= ModuleKind.NodeNext) return "package";
  const isEs = module >= ModuleKind.ES2015 && module <= ModuleKind.ESNext;
  return isEs || module === ModuleKind.Preserve ? "syntax" : "commonjs";
}

/** Decides the format of one source. `folder` is the folder of the service: package.json files above it do not count. */
export function moduleFormat(
  compiler: typeof ts,
  source: ts.SourceFile,
  { rule, folder }: { rule: FormatRule; folder: string },
): ModuleFormat {
  const extension = extname(source.fileName);
  if (extension === ".mts" || extension === ".mjs") return "module";
  if (extension === ".cts" || extension === ".cjs" || rule === "commonjs") return "commonjs";
  const type = packageType(dirname(source.fileName), folder);
  if (rule === "package") return type ?? "commonjs";
  if (hasExportEquals(compiler, source)) return "commonjs";
  if (rule === "package-or-syntax" && type !== undefined) return type;
  const isModule = source.statements.some((statement) => isModuleSyntax(compiler, statement));
  const { text } = source;
  if (rule === "syntax") return isModule ? "module" : (type ?? "commonjs");
  if (!isModule && !/\bimport\.meta\b/.test(text)) return "commonjs";
  return COMMONJS_NAMES.test(text) && !MODULE_NAMES.test(text) ? "commonjs" : "module";
}

function hasExportEquals(compiler: typeof ts, source: ts.SourceFile): boolean {
  return source.statements.some(
    (statement) => compiler.isExportAssignment(statement) && statement.isExportEquals === true,
  );
}

/** `import x = require()` is no syntax of ES modules: any module may contain it. */
function isModuleSyntax(compiler: typeof ts, statement: ts.Statement): boolean {
  if (compiler.isImportDeclaration(statement) || compiler.isExportDeclaration(statement))
    return true;
  if (compiler.isExportAssignment(statement)) return statement.isExportEquals !== true;
  const modifiers = compiler.canHaveModifiers(statement) ? compiler.getModifiers(statement) : [];
  return modifiers?.some(({ kind }) => kind === compiler.SyntaxKind.ExportKeyword) === true;
}

/** `type` of the nearest package.json; undefined = absent, or none of Node's. */
function packageType(from: string, folder: string): ModuleFormat | undefined {
  for (let dir = from; ; dir = dirname(dir)) {
    const manifest = readManifest(join(dir, "package.json"));
    if (manifest !== undefined) {
      const { type } = manifest;
      return type === "module" || type === "commonjs" ? type : undefined;
    }
    if (dir === folder || dirname(dir) === dir || dir.endsWith("/node_modules")) return undefined;
  }
}

function readManifest(path: string): { readonly type?: unknown } | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  try {
    const manifest: unknown = JSON.parse(text);
    return isJsonObject(manifest) ? manifest : {};
  } catch {
    return {};
  }
}
