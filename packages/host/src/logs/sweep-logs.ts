import { readdir, rmdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { listSegments } from "./segment-folder.ts";

interface SweptFile {
  readonly path: string;
  readonly bytes: number;
  readonly changedAt: number;
}

/**
 * Removes the files of all services that have not changed since `changedBefore`, and then the oldest ones until the others
 * have at most `bytesMax`. Resolves to the bytes that are left.
 */
export async function sweepLogs(
  dir: string,
  { changedBefore, bytesMax }: { readonly changedBefore: number; readonly bytesMax: number },
): Promise<number> {
  const files: SweptFile[] = [];
  for (const environment of await namesIn(dir)) {
    for (const service of await namesIn(join(dir, environment))) {
      const folder = join(dir, environment, service);
      for (const { path } of await listSegments(folder).catch(() => [])) {
        // It may have been removed meanwhile.
        const found = await stat(path).catch(() => undefined);
        if (found !== undefined) files.push({ path, bytes: found.size, changedAt: found.mtimeMs });
      }
      // Only an empty folder: of a service whose logs were too old the last time.
      await rmdir(folder).catch(() => {});
    }
  }
  files.sort((a, b) => a.changedAt - b.changedAt);
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const file of files) {
    if (file.changedAt >= changedBefore && bytes <= bytesMax) break;
    await unlink(file.path).catch(() => {});
    bytes -= file.bytes;
  }
  return bytes;
}

async function namesIn(dir: string): Promise<readonly string[]> {
  return await readdir(dir).catch(() => []);
}
