import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder for one test. */
export interface TemporaryFolder extends AsyncDisposable {
  /** An absolute path without links. */
  readonly path: string;
  /** Writes files, and the folders above them. A value that is not a string is written as JSON. */
  put(files: Readonly<Record<string, string | object>>): Promise<void>;
  link(path: string, target: string): Promise<void>;
}

export async function makeTemporaryFolder(): Promise<TemporaryFolder> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "lever-folder-")));
  const pathOf = async (path: string): Promise<string> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    return join(folder, path);
  };
  return {
    path: folder,
    put: async (files) => {
      for (const [path, content] of Object.entries(files)) {
        const text = typeof content === "string" ? content : JSON.stringify(content);
        await writeFile(await pathOf(path), text);
      }
    },
    link: async (path, target) => await symlink(target, await pathOf(path)),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
