/** The files of a service that were dropped on the page. */

export interface ServiceFile {
  /** Relative to the folder of the service. */
  readonly path: string;
  readonly file: File;
}

/** A service as it is sent: its files, or an archive of them. */
export type Source =
  | {
      readonly kind: "folder";
      readonly name: string;
      readonly files: readonly ServiceFile[];
      readonly bytes: number;
    }
  | { readonly kind: "archive"; readonly file: File };

/** Folders of other programs, and files that have secrets. */
const LEFT_OUT = /^(?:\.git|\.hg|\.svn|\.DS_Store|\.lever|\.env(?:\..+)?)$/;
const ARCHIVE = /\.(?:tar\.gz|tgz|tar\.zst)$/;
const MAIN = "lever.json";

/** @throws Error with a sentence about what cannot be deployed. */
export async function readSource(
  given: readonly (FileSystemEntry | File)[],
  entriesMax: number,
): Promise<Source> {
  const found: ServiceFile[] = [];
  const add = (path: string, file: File): void => {
    if (path.split("/").some((part) => LEFT_OUT.test(part))) return;
    found.push({ path, file });
    if (found.length > entriesMax) {
      throw new Error(`It has more than ${entriesMax} files, which is the host's limit.`);
    }
  };
  for (const item of given) {
    if (item instanceof File) add(item.webkitRelativePath || item.name, item);
    else await walk(item, "", add);
  }
  const [first] = found;
  if (found.length === 1 && first !== undefined && ARCHIVE.test(first.path)) {
    return { kind: "archive", file: first.file };
  }
  const folder = folderOf(found);
  const files = found.flatMap(({ path, file }) =>
    path.startsWith(folder) ? [{ path: path.slice(folder.length), file }] : [],
  );
  const main = files.find(({ path }) => path === MAIN);
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
  return { kind: "folder", name: await nameIn(main?.file), files, bytes };
}

async function walk(
  entry: FileSystemEntry,
  above: string,
  add: (path: string, file: File) => void,
): Promise<void> {
  const path = above + entry.name;
  if (LEFT_OUT.test(entry.name)) return;
  if (isFile(entry)) {
    add(path, await new Promise<File>((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  if (!isFolder(entry)) return;
  const reader = entry.createReader();
  // Each read returns some of the entries, and the last one none.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (entries.length === 0) return;
    for (const below of entries) await walk(below, `${path}/`, add);
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;

/** The folder with the lever.json, with a slash at its end; `""` = the files themselves. */
function folderOf(files: readonly ServiceFile[]): string {
  const mains = files
    .map(({ path }) => path)
    .filter((path) => path.endsWith(MAIN) && /^(?:[^/]+\/){0,2}lever\.json$/.test(path))
    .map((path) => path.slice(0, -MAIN.length))
    .sort((a, b) => a.split("/").length - b.split("/").length);
  const [main, next] = mains;
  if (main === undefined)
    throw new Error("There is no lever.json in it. Drop the folder of a service.");
  if (next !== undefined && main.split("/").length === next.split("/").length) {
    throw new Error(`It has several services, ${main} and ${next}. Drop the folder of one.`);
  }
  return main;
}

async function nameIn(file: File | undefined): Promise<string> {
  try {
    const { name } = JSON.parse((await file?.text()) ?? "") as { readonly name?: unknown };
    if (typeof name === "string") return name;
  } catch {
    // The host says what is wrong with it.
  }
  return "the service";
}
