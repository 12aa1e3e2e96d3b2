import { lstat, readdir, readlink, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ArchiveLayout } from "./archive-layout.ts";
import type { Collected, LostPackage } from "./collected.ts";
import { findPackageManager, hasPlugAndPlay, type PackageManager } from "./workspace-root.ts";

/** Says which packages are needed and cannot be packed, and what helps. */
export async function describeLostPackages(
  { lost, entries, packageJson }: Collected,
  layout: ArchiveLayout,
): Promise<{ problems: readonly string[]; notes: readonly string[] }> {
  const manager = await findPackageManager(layout.folder, layout.root);
  const problems = lost.flatMap(({ name, found }) => {
    if (found === undefined) return [];
    const where = layout.root === layout.folder ? "the folder" : `the workspace ${layout.root}`;
    return `${layout.pathOf(found.at) ?? found.at}: it is a link to ${found.real}, which is outside ${where}, and a dependency. ${remedies[manager](name)}`;
  });
  const notes: string[] = [];
  const missing = lost.filter(
    ({ from, found }) => found === undefined && !layout.isInstalled(from),
  );
  if (missing.length > 0) notes.push(await describeMissing(missing, layout, manager));
  const unneeded = await findUnneededLinks(layout);
  const leftOut = unneeded.filter(
    ({ path, name }) => !entries.has(path) && packageJson?.devDependencies.has(name) !== true,
  );
  if (packageJson?.listsPackages === true) {
    for (const { path, target } of leftOut) {
      notes.push(`Left out: ${path} (a link to ${target}, which no package.json needs).`);
    }
  }
  return { problems, notes };
}

const remedies: Readonly<Record<PackageManager, (name: string) => string>> = {
  npm: () => "To copy linked packages into this folder: npm install --install-links",
  pnpm: () =>
    "Deploy a folder that has a copy of each package, made in the workspace by: pnpm --filter <this package> deploy <folder>",
  yarn: (name) =>
    `Make both folders members of one workspace, or depend on a copy of ${name}: "file:…" instead of "link:…".`,
};

async function describeMissing(
  missing: readonly LostPackage[],
  layout: ArchiveLayout,
  manager: PackageManager,
): Promise<string> {
  const names = [...new Set(missing.map(({ name }) => name))].sort();
  const list = names.slice(0, 8).join(", ") + (names.length > 8 ? ", …" : "");
  const needs = `package.json has dependencies that are not installed here: ${list}.`;
  if (await hasPlugAndPlay(layout.root)) {
    return `${needs} Yarn keeps them where only its own loader finds them: add "nodeLinker: node-modules" to .yarnrc.yml, and run: yarn install`;
  }
  const above = await findAboveRoot(names[0] ?? "", layout.root);
  if (above !== undefined) {
    return `${needs} They are in ${above}, which is in no workspace with this folder. Install them here: ${manager} install`;
  }
  return `${needs} Install them before you deploy: ${manager} install`;
}

/** The `node_modules` above the workspace that has a package. */
async function findAboveRoot(name: string, root: string): Promise<string | undefined> {
  for (let at = dirname(root); at !== dirname(at); at = dirname(at)) {
    const folder = join(at, "node_modules");
    if ((await lstat(join(folder, name)).catch(() => undefined)) !== undefined) return folder;
  }
  return undefined;
}

interface InstalledLink {
  readonly name: string;
  readonly path: string;
  readonly target: string;
}

/** Links in the folder's `node_modules` that lead to sources outside of the folder. */
async function findUnneededLinks(layout: ArchiveLayout): Promise<InstalledLink[]> {
  const top = join(layout.folder, "node_modules");
  const names: string[] = [];
  for (const name of await readdir(top).catch(() => [])) {
    if (!name.startsWith("@")) names.push(name);
    else
      names.push(...(await readdir(join(top, name)).catch(() => [])).map((at) => `${name}/${at}`));
  }
  const links = await Promise.all(
    names.map(async (name): Promise<InstalledLink[]> => {
      const file = join(top, name);
      const target = await readlink(file).catch(() => undefined);
      if (target === undefined || name.startsWith(".")) return [];
      const real = await realpath(file).catch(() => undefined);
      if (real !== undefined && (layout.isInFolder(real) || isInstalled(real))) return [];
      return [{ name, path: `node_modules/${name}`, target }];
    }),
  );
  return links.flat();
}

function isInstalled(file: string): boolean {
  return file.split("/").includes("node_modules");
}
