import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isJsonObject, isSourcePath, WORKSPACE_FOLDER } from "@leveros/protocol";

/**
 * The absolute paths of all sources in a folder: outside of `node_modules`, in packages of a workspace, and in packages
 * whose own entry is TypeScript. Links are not followed: what they lead to is in the folder too.
 */
export function findSources(folder: string): string[] {
  const found: string[] = [];
  const folders = [folder];
  for (let dir = folders.pop(); dir !== undefined; dir = folders.pop()) {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isFile() && isSourcePath(entry.name)) found.push(path);
      if (!entry.isDirectory() || entry.name === ".git") continue;
      if (entry.name === "node_modules") folders.push(...sourcePackages(path));
      else folders.push(path);
    }
  }
  return found.sort();
}

/** The packages of a `node_modules` folder that consist of sources, at any depth. */
function sourcePackages(modules: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(modules, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(modules, entry.name);
    if (entry.name === WORKSPACE_FOLDER) found.push(path);
    else if (entry.name.startsWith("@")) found.push(...sourcePackages(path));
    // pnpm: each folder has the node_modules of one package.
    else if (entry.name === ".pnpm") {
      for (const store of folderEntries(path)) found.push(...nestedModules(join(path, store.name)));
    } else if (hasSourceEntry(path)) found.push(path);
    else found.push(...nestedModules(path));
  }
  return found;
}

function nestedModules(folder: string): string[] {
  const modules = join(folder, "node_modules");
  return folderEntries(modules).length > 0 ? sourcePackages(modules) : [];
}

function folderEntries(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  } catch {
    return [];
  }
}

/** True when the entry that a package.json names is a source, as in packages of a workspace that `pnpm deploy` has copied. */
function hasSourceEntry(folder: string): boolean {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return (
      isJsonObject(manifest) && (namesSource(manifest["main"]) || namesSource(manifest["exports"]))
    );
  } catch {
    return false;
  }
}

function namesSource(target: unknown): boolean {
  if (typeof target === "string") return isSourcePath(target);
  if (typeof target !== "object" || target === null) return false;
  return Object.entries(target).some(([key, value]) => isUsedByNode(key) && namesSource(value));
}

/** A path, a place in a list, or a condition of Node. Other conditions, such as `@zod/source`, are for other programs. */
const isUsedByNode = (key: string): boolean =>
  /^(?:\..*|\d+|import|require|module-sync|node|node-addons|default)$/.test(key);
