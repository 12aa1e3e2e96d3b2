import type { CodeEntry } from "./contents.ts";
import type { FoundPackage } from "./find-package.ts";
import type { PackageJson } from "./package-json.ts";
import type { TreeEntry } from "./walk-tree.ts";

/** A symbolic link that is packed if its target is. */
export interface FolderLink {
  readonly path: string;
  readonly file: string;
  /** Where it leads to in the end; undefined if that does not exist. */
  readonly real: string | undefined;
  readonly owner: TreeKind;
}

/** A package that another one needs, and that is not there or outside of the workspace. */
export interface LostPackage {
  readonly name: string;
  /** The folder of the package that needs it. */
  readonly from: string;
  readonly found: FoundPackage | undefined;
}

export interface Collected {
  readonly entries: Map<string, CodeEntry>;
  readonly links: readonly FolderLink[];
  readonly lost: readonly LostPackage[];
  /** Paths of sockets, pipes and devices. */
  readonly special: readonly TreeEntry[];
  /** The package.json of the service. */
  readonly packageJson: PackageJson | undefined;
}

/**
 * How a folder is packed. `sources`: without what the rules exclude; packages in `node_modules` only as a package.json needs
 * them. `installed`: a package, complete. `vendored`: a `node_modules` that no package.json explains, complete.
 */
export type TreeKind = "sources" | "installed" | "vendored";
