import { link, lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { invalid, shown } from "./archive-error.ts";

/** A link of an archive. Links are made after all files. */
export interface PendingLink {
  readonly path: string;
  readonly target: string;
  readonly isHard: boolean;
}

/**
 * Makes a hard link to a file of the archive. A file that exists only through another link is refused.
 * @throws LeverError `invalid_archive`
 */
export async function makeHardLink(
  folder: string,
  { path, target }: Pick<PendingLink, "path" | "target">,
): Promise<void> {
  const source = join(folder, target);
  const found = await lstat(source).catch(() => undefined);
  if (found?.isFile() !== true || (await realpath(source)) !== source) {
    throw invalid(
      `its link ${shown(path)} leads to ${shown(target)}, which is no file of the archive`,
    );
  }
  await link(source, join(folder, path));
}
