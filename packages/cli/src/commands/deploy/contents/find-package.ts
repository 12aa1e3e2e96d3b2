import { existsSync, realpathSync } from "node:fs";
import { basename, join, posix } from "node:path";
import type { ArchiveLayout } from "./archive-layout.ts";

/** A package that Node finds for another one. */
export interface FoundPackage {
  /** The path in a `node_modules`; it may be a link. */
  readonly at: string;
  /** The folder itself. */
  readonly real: string;
}

/** Looks packages up as Node does, from a package upward, but not above the root of the workspace. */
export class PackageFinder {
  readonly #layout: ArchiveLayout;
  /** Lookups that have been made before: most packages are found from many others. */
  readonly #real = new Map<string, string | undefined>();

  constructor(layout: ArchiveLayout) {
    this.#layout = layout;
  }

  async find(name: string, from: string): Promise<FoundPackage | undefined> {
    for (const folder of this.#layout.foldersAbove(from)) {
      if (basename(folder) === "node_modules") continue;
      const at = join(folder, "node_modules", name);
      const real = this.#realPath(at);
      if (real !== undefined) return { at, real };
    }
    return undefined;
  }

  #realPath(path: string): string | undefined {
    if (this.#real.has(path)) return this.#real.get(path);
    const found = existsSync(path) ? realpathSync.native(path) : undefined;
    this.#real.set(path, found);
    return found;
  }
}

/** The folder of the package that an installed file belongs to. */
export function packageFolderOf(file: string): string {
  const segments = file.split("/");
  const at = segments.lastIndexOf("node_modules");
  const length = segments[at + 1]?.startsWith("@") === true ? 3 : 2;
  return posix.join("/", ...segments.slice(0, at + length));
}
