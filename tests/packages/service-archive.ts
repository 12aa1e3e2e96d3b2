import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { create } from "tar";
import { tarEntry } from "../harness/archive.ts";
import { folderOf, versionsOf } from "./installed-packages.ts";
import type { PackageCase } from "./package-case.ts";

/** Each case is a new version of one service, so that the instances of the case before it end. */
export const SERVICE = "package";

/** The service of a case as an archive: its files, and the installed packages that it needs. */
export async function archiveOfCase(of: PackageCase): Promise<Buffer> {
  const folder = folderOf(of);
  const jsEntry = of.jsEntry ?? "server.mjs";
  const leverJson = { name: SERVICE, jsEntry, ram: of.ram ?? 256 };
  const dependencies = versionsOf(of);
  const files = {
    "lever.json": JSON.stringify(leverJson),
    "package.json": JSON.stringify({ dependencies }),
    [jsEntry]: of.code,
    ...of.files,
  };
  const entries = Object.entries(files).map(([path, body]) => tarEntry({ path, body }));
  const packages = create(
    { cwd: folder, portable: true },
    closureOf(Object.keys(dependencies), folder),
  );
  for await (const chunk of packages) entries.push(chunk);
  return gzipSync(Buffer.concat(entries), { level: 1 });
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** Packages and all that they depend on, as paths relative to the folder where they are installed. */
function closureOf(names: readonly string[], folder: string): string[] {
  const found = new Set<string>();
  const open = names.map((name) => ({ name, from: folder }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const path = resolvePackage(next.name, next.from, folder);
    // Optional packages of other systems are not installed.
    if (path === undefined || found.has(path)) continue;
    found.add(path);
    for (const name of dependenciesOf(readManifest(path))) open.push({ name, from: path });
  }
  // A package inside another one is packed with it.
  return [...found]
    .map((path) => relative(folder, path))
    .filter((path) => path.lastIndexOf("node_modules") === 0);
}

function dependenciesOf(manifest: Manifest): string[] {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = manifest;
  const peers = Object.keys(peerDependencies ?? {}).filter(
    (name) => peerDependenciesMeta?.[name]?.optional !== true,
  );
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers];
}

/** Looks where Node looks: in the `node_modules` of each folder upwards. */
function resolvePackage(name: string, from: string, top: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const path = join(at, "node_modules", name);
    if (existsSync(join(path, "package.json"))) return path;
    if (at === top) return undefined;
  }
}

const readManifest = (path: string): Manifest =>
  JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;
