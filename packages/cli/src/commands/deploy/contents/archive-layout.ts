import { dirname, isAbsolute, posix, relative, sep } from "node:path";
import { WORKSPACE_FOLDER } from "@leveros/protocol";

/**
 * Gives each file its path in the archive. Files of the service keep their paths. Files elsewhere in its workspace go below
 * `node_modules/.workspace`, in the layout of the workspace: Node finds packages there as it does in the workspace.
 */
export class ArchiveLayout {
  /** Absolute paths without links. */
  readonly folder: string;
  /** The folder of the whole workspace; without one, the service folder. */
  readonly root: string;

  constructor(folder: string, root: string) {
    this.folder = folder;
    this.root = root;
  }

  /** Returns "" for the service folder, and undefined for a path outside of the workspace. */
  pathOf(file: string): string | undefined {
    const inFolder = pathBelow(this.folder, file);
    if (inFolder !== undefined) return inFolder;
    const inRoot = pathBelow(this.root, file);
    return inRoot === undefined ? undefined : posix.join("node_modules", WORKSPACE_FOLDER, inRoot);
  }

  isInFolder(file: string): boolean {
    return pathBelow(this.folder, file) !== undefined;
  }

  /** The folders from a path up to the root: where Node looks for `node_modules`. */
  foldersAbove(file: string): string[] {
    const folders = [file];
    for (let at = file; at !== this.root && at !== dirname(at); ) {
      at = dirname(at);
      folders.push(at);
    }
    return folders;
  }

  /** Whether a file belongs to an installed package, and not to the sources of the workspace. */
  isInstalled(file: string): boolean {
    return (pathBelow(this.root, file) ?? "").split("/").includes("node_modules");
  }
}

/** The target of a link from one path of the archive to another. */
export function linkTarget(from: string, to: string): string {
  return posix.relative(posix.dirname(from), to) || ".";
}

/** The path relative to a folder, with `/`: "" for the folder itself, undefined outside of it. */
export function pathBelow(folder: string, path: string): string | undefined {
  // Nearly always, and much faster.
  if (path.startsWith(folder) && path[folder.length] === "/") return path.slice(folder.length + 1);
  const below = relative(folder, path);
  const isOutside = below === ".." || below.startsWith(`..${sep}`) || isAbsolute(below);
  return isOutside ? undefined : below.split(sep).join("/");
}
