import { constants } from "node:fs";
import { type FileHandle, open, opendir, readlink } from "node:fs/promises";
import { DEPTH_MAX } from "./backup-format.ts";

/** Something in a folder. A file is open until the next entry is asked for. */
export type FolderEntry =
  | { readonly kind: "folder"; readonly path: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly size: number;
      readonly file: FileHandle;
    };

export interface ReadFolderOptions {
  /** Is called for each entry that is left out: a socket or device, one of another user, or one that has just been removed. */
  readonly onSkipped: () => void;
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Paths through an open folder lead to that folder, also after a service has put a link in its place. */
const HAS_DESCRIPTOR_PATHS = process.platform === "linux";

/**
 * Everything in a folder that its owner may change meanwhile, folders before what they have. No link is followed, and entries
 * that belong to another user are left out: Lever may read files that the owner may not.
 */
export async function* readFolder(
  dir: string,
  { onSkipped }: ReadFolderOptions,
): AsyncGenerator<FolderEntry> {
  const opened = await tryTo(() => open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (opened === undefined) return;
  try {
    const { uid } = await opened.stat();
    yield* readOpened(opened, { dir, path: "", uid, depth: 0, onSkipped });
  } finally {
    await opened.close();
  }
}

interface Place extends ReadFolderOptions {
  readonly dir: string;
  /** Relative to the folder that is read; `""` = that one. */
  readonly path: string;
  readonly uid: number;
  readonly depth: number;
}

async function* readOpened(opened: FileHandle, place: Place): AsyncGenerator<FolderEntry> {
  const { path, uid, depth, onSkipped } = place;
  if (depth > DEPTH_MAX) throw new Error(`${path} is more than ${DEPTH_MAX} folders deep`);
  const dir = HAS_DESCRIPTOR_PATHS ? `/proc/self/fd/${opened.fd}` : place.dir;
  for await (const found of await opendir(dir)) {
    // Each new file system has it.
    if (path === "" && found.name === "lost+found") continue;
    const at = `${dir}/${found.name}`;
    const inner = path === "" ? found.name : `${path}/${found.name}`;
    if (found.isSymbolicLink()) {
      const target = await tryTo(() => readlink(at));
      if (target === undefined) onSkipped();
      else yield { kind: "link", path: inner, target };
      continue;
    }
    const isFolder = found.isDirectory();
    const flags = O_RDONLY | O_NOFOLLOW | (isFolder ? O_DIRECTORY : O_NONBLOCK);
    const file = isFolder || found.isFile() ? await tryTo(() => open(at, flags)) : undefined;
    if (file === undefined) {
      onSkipped();
      continue;
    }
    try {
      const stat = await file.stat();
      const mode = stat.mode & 0o777;
      if (stat.uid !== uid || !(isFolder || stat.isFile())) onSkipped();
      else if (isFolder) {
        yield { kind: "folder", path: inner, mode };
        yield* readOpened(file, { ...place, dir: at, path: inner, depth: depth + 1 });
      } else yield { kind: "file", path: inner, mode, size: stat.size, file };
    } finally {
      await file.close();
    }
  }
}

/** Something that its owner has changed meanwhile, or a name that is not UTF-8. */
const CHANGED: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "EINVAL"]);

async function tryTo<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (CHANGED.has(code)) return undefined;
    throw error;
  }
}
