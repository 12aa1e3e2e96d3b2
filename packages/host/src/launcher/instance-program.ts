import { cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Copies the program of an instance and its modules into a folder, so that instances need no access to Lever's installation. */
export function copyProgram(folder: string): void {
  const main = fileURLToPath(import.meta.resolve("@leveros/runtime/main"));
  cpSync(dirname(main), folder, { recursive: true, dereference: true });
}

/** Arguments of Node that start the program in a folder that `copyProgram` has filled, and prepare each of its threads. */
export function programArgs(folder: string): string[] {
  return [`--require=${join(folder, "thread-setup.cjs")}`, join(folder, "main.cjs")];
}
