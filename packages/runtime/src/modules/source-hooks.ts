import { readFileSync } from "node:fs";
import { Module, registerHooks } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { loadAdapters } from "../thread/load-adapters.ts";

/** A module as Node loads it. */
interface NodeModule {
  _compile(source: string, path: string, format: string): void;
}
type LoadCommonJs = (module: NodeModule, path: string) => void;

const SOURCE = /\.(?:[cm]?ts|tsx|jsx)(?:[?#]|$)/;
/** The last line of a transformed source. It names the format, too (`transform/transform-folder.ts`). */
const TRANSFORMED = /\n\/\/# sourceMappingURL=[^\n]*\.([cm])js\.map\n$/;

/**
 * Lets Node load transformed sources as the JavaScript that they are, JSON without an import attribute, and, where its own
 * resolution fails, sources by the specifiers that TypeScript accepts: without an extension, with that of JavaScript, or
 * of a folder.
 */
export function provideSources(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      try {
        return nextResolve(specifier, context);
      } catch (error) {
        const path = loadAdapters().findSource(specifier, { parentUrl: context.parentURL, error });
        if (path === undefined) throw error;
        // The resolution of `require` and of a program's main file takes no URL.
        return { url: pathToFileURL(path).href, shortCircuit: true };
      }
    },
    load(url, context, nextLoad) {
      if (url.startsWith("file:")) {
        if (SOURCE.test(url)) {
          const { source, format } = readSource(fileURLToPath(url));
          if (format !== undefined) return { source, format, shortCircuit: true };
        }
        const isImport = context.conditions.includes("import");
        if (isImport && url.endsWith(".json") && context.importAttributes.type === undefined) {
          const source = jsonModule(readFileSync(fileURLToPath(url), "utf8"));
          return { source, format: "module", shortCircuit: true };
        }
      }
      return nextLoad(url, context);
    },
  });
  // `require` loads files by these functions, and finds files without an extension by their names.
  const extensions = (Module as unknown as { _extensions: Record<string, LoadCommonJs> })
    ._extensions;
  const loadJavaScript = extensions[".js"];
  for (const extension of [".ts", ".tsx", ".mts", ".cts", ".jsx"]) {
    extensions[extension] = (module, path) => {
      const { source, format } = readSource(path);
      if (format !== undefined) module._compile(source, path, format);
      else loadJavaScript?.(module, path);
    };
  }
}

/** `format` is undefined for a source that was not transformed. */
function readSource(path: string): { source: string; format: "commonjs" | "module" | undefined } {
  const source = readFileSync(path, "utf8");
  const [, kind] = TRANSFORMED.exec(source) ?? [];
  if (kind === undefined) return { source, format: undefined };
  return { source, format: kind === "c" ? "commonjs" : "module" };
}

/** Each property of an object is an export, and the whole is the default export. */
function jsonModule(text: string): string {
  const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
  const lines = [`const json = ${JSON.stringify(value)};`, "export default json;"];
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    for (const [index, name] of Object.keys(value).entries()) {
      if (name === "default" || !name.isWellFormed()) continue;
      const quoted = JSON.stringify(name);
      lines.push(`const json${index} = json[${quoted}];`, `export { json${index} as ${quoted} };`);
    }
  }
  return lines.join("\n");
}
