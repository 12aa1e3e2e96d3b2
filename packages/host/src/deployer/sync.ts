import { open } from "node:fs/promises";

/** After this, a file, or a rename in a folder, survives a crash of the machine. */
export async function sync(path: string): Promise<void> {
  const opened = await open(path, "r");
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}
