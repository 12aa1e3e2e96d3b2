import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { readPackageJson } from "./package-json.ts";

/** The program that installs the packages of a folder. */
export type PackageManager = "npm" | "pnpm" | "yarn";

/**
 * Finds the folder of the workspace that a folder belongs to: the nearest one with `workspaces` in its package.json (npm,
 * yarn), or with a pnpm-workspace.yaml. Returns undefined without a workspace.
 */
export async function findWorkspaceRoot(folder: string): Promise<string | undefined> {
  return await findAbove(folder, async (at) => {
    if (existsSync(join(at, "pnpm-workspace.yaml"))) return true;
    return (await readPackageJson(at))?.isWorkspaceRoot === true;
  });
}

/** Finds the folder of the git repository that a folder belongs to. */
export async function findRepository(folder: string): Promise<string | undefined> {
  return await findAbove(folder, (at) => existsSync(join(at, ".git")));
}

/** Finds out which program installed, or would install, the packages of a folder: by its lock file. */
export async function findPackageManager(folder: string, root: string): Promise<PackageManager> {
  for (const at of new Set([folder, root])) {
    if (existsSync(join(at, "pnpm-lock.yaml"))) return "pnpm";
    if (existsSync(join(at, "pnpm-workspace.yaml"))) return "pnpm";
    if (existsSync(join(at, "yarn.lock"))) return "yarn";
  }
  return "npm";
}

/** Yarn's Plug'n'Play has no `node_modules`: packages are in archives that only its own loader reads. */
export async function hasPlugAndPlay(root: string): Promise<boolean> {
  return existsSync(join(root, ".pnp.cjs"));
}

async function findAbove(
  folder: string,
  isIt: (folder: string) => boolean | Promise<boolean>,
): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    if (await isIt(at)) return at;
    if (at === dirname(at)) return undefined;
  }
}
