import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of an installed program; undefined = it is not installed. */
export function findProgram(name: string): string | undefined {
  // The PATH of a service manager may lack the folders of root's programs.
  const dirs = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return dirs.map((dir) => join(dir, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return existsSync(path);
  } catch {
    return false;
  }
}
