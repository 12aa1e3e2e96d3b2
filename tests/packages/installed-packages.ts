import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PackageCase } from "./package-case.ts";

const repository = join(import.meta.dirname, "../..");
/** Its package.json and lockfile fix the versions. */
const registry = join(import.meta.dirname, "registry");
/** Git ignores it, and it stays between runs. */
const cache = join(repository, "node_modules/.cache/packages");

/** The folder whose `node_modules` has the packages of a case. */
export const folderOf = ({ isQuick }: PackageCase): string =>
  isQuick === true ? repository : cache;

/** The versions of a case's packages, by name: first the one that it is about. */
export function versionsOf(of: PackageCase): Readonly<Record<string, string>> {
  const file = join(of.isQuick === true ? repository : registry, "package.json");
  const { dependencies, devDependencies } = JSON.parse(readFileSync(file, "utf8")) as Manifest;
  const versions: Readonly<Record<string, string>> = { ...dependencies, ...devDependencies };
  return Object.fromEntries(
    [of.name, ...(of.beside ?? [])].map((name) => {
      const version = versions[name];
      if (version === undefined) throw new Error(`Cannot test ${name}: ${file} does not list it.`);
      return [name, version];
    }),
  );
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Installs what the folder `registry` lists, by npm and its lockfile, unless it is there. */
export async function installPackages(): Promise<void> {
  const lockfile = readFileSync(join(registry, "package-lock.json"), "utf8");
  const installed = join(cache, "installed.json");
  if (existsSync(installed) && readFileSync(installed, "utf8") === lockfile) return;
  await rm(cache, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) {
    await cp(join(registry, name), join(cache, name));
  }
  // The packages contain what they need. Scripts at install would compile or download.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  execFileSync("npm", args, { cwd: cache, stdio: ["ignore", "ignore", "inherit"] });
  await writeFile(installed, lockfile);
}
