import { readdir } from "node:fs/promises";
import { join } from "node:path";

const DEPTH_MAX = 4;
const FOLDERS_READ_MAX = 2_000;
const FOUND_MAX = 20;

/** Finds service folders below a folder: those with a lever.json. Sorted, relative to it. */
export async function findServicesBelow(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  let level = [""];
  let read = 0;
  for (let depth = 0; depth <= DEPTH_MAX && found.length < FOUND_MAX; depth++) {
    const next: string[] = [];
    for (const path of level) {
      if (++read > FOLDERS_READ_MAX) return found.sort();
      const entries = await readdir(join(folder, path), { withFileTypes: true }).catch(() => []);
      if (path !== "" && entries.some((entry) => entry.name === "lever.json" && entry.isFile())) {
        found.push(path);
        continue;
      }
      for (const entry of entries) {
        if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
        if (entry.name !== "node_modules") next.push(join(path, entry.name));
      }
    }
    level = next;
  }
  return found.sort().slice(0, FOUND_MAX);
}
