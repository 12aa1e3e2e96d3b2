import { constants, copyFileSync, cpSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** TypeScript's compiler, where the runtime's program expects it. Only transforms load it. */
const COMPILER = "typescript.cjs";

/** Copies the program of an instance and its modules into a folder, so that instances need no access to Lever's installation. */
export function copyProgram(folder: string): void {
  cpSync(dirname(mainFile()), folder, { recursive: true, dereference: true });
}

/** Arguments of Node that start the program in a folder that `copyProgram` has filled. */
export function programArgs(folder: string): string[] {
  return [join(folder, "main.cjs")];
}

/** Copies TypeScript's compiler to where the program in a folder expects it. */
export function copyCompiler(folder: string): void {
  const { from, to } = compilerFiles(folder);
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
}

/** TypeScript's compiler, and where the program in a folder expects it. */
export function compilerFiles(folder: string): { readonly from: string; readonly to: string } {
  const from = createRequire(mainFile()).resolve("typescript6");
  return { from, to: join(folder, COMPILER) };
}

function mainFile(): string {
  return fileURLToPath(import.meta.resolve("@leveros/runtime/main"));
}
