import { stat } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { ArchiveLayout } from "./contents/archive-layout.ts";
import { PackageFinder } from "./contents/find-package.ts";
import { readPackageJson } from "./contents/package-json.ts";
import { findPackageManager, findWorkspaceRoot } from "./contents/workspace-root.ts";

/** The error of Node for a package that it does not find. A path is no package. */
const NOT_FOUND = /Cannot find (?:package|module) '((?:@[^/'.]+\/)?[^/'.][^/']*)[^']*'/;

/** The error for a file. Its path is relative to the importer, or absolute on the host. */
const FILE_NOT_FOUND = /Cannot find module '((?:\.{0,2}\/|file:)[^']+)'/;
const EXTENSIONS = ["", ".js", ".ts", ".mjs", ".cjs", ".json", "/index.js", "/index.ts"] as const;

/**
 * Says why a package or a file that the service did not find was not deployed.
 * @param reason the error of the host, with the service's output.
 * @param folder the folder of the service: an absolute path without links.
 * @param packed the paths that were deployed.
 * @returns undefined if the reason names no package, and no file that is in the folder.
 */
export async function describeMissingPackage(
  reason: string,
  { folder, packed }: { folder: string; packed: ReadonlySet<string> },
): Promise<string | undefined> {
  const [, path] = FILE_NOT_FOUND.exec(reason) ?? [];
  if (path !== undefined) return await describeMissingFile(path, { folder, packed });
  const [, name] = NOT_FOUND.exec(reason) ?? [];
  if (name === undefined || isBuiltin(name)) return undefined;
  const root = (await findWorkspaceRoot(folder)) ?? folder;
  const manager = await findPackageManager(folder, root);
  const add = manager === "npm" ? `npm install ${name}` : `${manager} add ${name}`;
  const packageJson = await readPackageJson(folder);
  if (packageJson?.devDependencies.has(name) === true) {
    return `${name} is in devDependencies of package.json, which are not deployed. Move it to dependencies: ${add}${manager === "npm" ? " --save-prod" : ""}`;
  }
  if (packageJson?.dependencies.includes(name) === true) {
    return `${name} is not installed here. Install it, and deploy again: ${manager} install`;
  }
  const found = await new PackageFinder(new ArchiveLayout(folder, root)).find(name, folder);
  const where = found === undefined ? "" : ` It is installed in ${found.at}.`;
  return `${name} is not in dependencies of ${packageJson === undefined ? "a package.json in the folder" : "package.json"}, so it was not deployed.${where} Add it: ${add}`;
}

/** Finds the file in the folder by the end of its path. */
async function describeMissingFile(
  path: string,
  { folder, packed }: { folder: string; packed: ReadonlySet<string> },
): Promise<string | undefined> {
  const segments = path.split("/").filter((segment) => !/^(?:\.{0,2}|file:)$/.test(segment));
  for (const index of segments.keys()) {
    for (const extension of EXTENSIONS) {
      const file = segments.slice(index).join("/") + extension;
      const found = await stat(join(folder, file)).catch(() => undefined);
      if (found?.isFile() !== true || packed.has(file)) continue;
      return `${file} is in the folder, but excluded by .gitignore or .leverignore. Write a .leverignore with what is not to be deployed: it replaces .gitignore.`;
    }
  }
  return undefined;
}
