import { cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Copies the program of an instance, and what it loads, into a folder: so that an instance sees this and nothing else of
 * where Lever is installed.
 */
export function copyProgram(to: string): void {
  const main = fileURLToPath(import.meta.resolve("@leveros/runtime/main"));
  cpSync(dirname(main), to, { recursive: true, dereference: true });
}

/** The program in a folder that `copyProgram` has filled. */
export function programIn(folder: string): string {
  return join(folder, "main.cjs");
}
