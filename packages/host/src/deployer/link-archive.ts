import { link } from "node:fs/promises";
import { join } from "node:path";
import { archiveFormats } from "@leveros/protocol";
import { isMissing } from "./exists.ts";

/** Links the archive of code into a folder, from the first of these that has it. Returns its name; undefined = none has it. */
export async function linkArchive(
  codeId: string,
  folder: string,
  dirs: readonly string[],
): Promise<string | undefined> {
  for (const dir of dirs) {
    for (const format of archiveFormats) {
      const name = `${codeId}.${format}`;
      try {
        await link(join(dir, name), join(folder, name));
        return name;
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
  }
  return undefined;
}
