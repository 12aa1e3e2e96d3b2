import { nearestName } from "./nearest-name.ts";

/** Extensions of modules, in the order in which they are tried for a jsEntry without one. */
const EXTENSIONS = [".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".tsx", ".jsx"];
/** Files that no service can be loaded from. An unknown extension may be a part of the name: `hello.service` is `hello.service.ts`. */
const OTHER_FILE =
  /\.(?:json|node|wasm|py|go|rb|php|java|rs|sh|bash|txt|md|html?|css|ya?ml|toml|exe|so|dll)$/i;
const MODULES_SHOWN = 5;

/** True for a path of a file that is a module by its name. */
function isModulePath(path: string): boolean {
  return EXTENSIONS.some((extension) => path.endsWith(extension));
}

/** True for a relative path that may be that of a module: inside the folder on any operating system, and no other file. */
export function mayBeModule(path: string): boolean {
  if (path === "" || path.startsWith("/") || path.includes("\\") || path.includes("\0"))
    return false;
  return !path.split("/").includes("..") && !OTHER_FILE.test(path);
}

/**
 * The files that a jsEntry may mean, first the one that counts most: itself; with an extension; the index of a folder of
 * that name.
 */
export function jsEntryCandidates(jsEntry: string): readonly string[] {
  const path = jsEntry
    .split("/")
    .filter((step) => step !== "" && step !== ".")
    .join("/");
  if (isModulePath(path) && !jsEntry.endsWith("/")) return [path];
  const folder = path === "" ? "" : `${path}/`;
  const index = EXTENSIONS.map((extension) => `${folder}index${extension}`);
  if (path === "" || jsEntry.endsWith("/")) return index;
  return [path, ...EXTENSIONS.map((extension) => path + extension), ...index];
}

/**
 * The remedy for a jsEntry whose candidates all do not exist: a sentence about the modules that are there.
 * @param files paths of files in the service folder.
 */
export function suggestJsEntry(jsEntry: string, files: Iterable<string>): string {
  const modules = [...files].filter(isModulePath).sort();
  const near =
    modules.find((path) => path.toLowerCase() === jsEntry.toLowerCase()) ??
    modules.find((path) => stemOf(path) === stemOf(jsEntry)) ??
    nearestName(jsEntry, modules) ??
    modules.find((path) => nearestName(stemOf(jsEntry), [stemOf(path)]) !== undefined);
  if (near !== undefined) return `Did you mean ${near}?`;
  if (modules.length === 0) return "There is no JavaScript or TypeScript module in it.";
  const more = modules.length > MODULES_SHOWN ? `, and ${modules.length - MODULES_SHOWN} more` : "";
  return `There is ${modules.slice(0, MODULES_SHOWN).join(", ")}${more}.`;
}

/** The name of a file without its folder and extension. */
function stemOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.[^.]*$/, "");
}
