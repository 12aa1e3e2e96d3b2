import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of a program of the system; undefined = it is not installed. */
export function findProgram(name: string): string | undefined {
  // A service manager's PATH may lack what root's has.
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
