import type * as FileSystem from "node:fs";
import { replaceFunction } from "./replace-function.ts";

const W_OK = 2;

/** Makes `access` refuse a question for writing where a write would be refused: Node asks the system only. */
export function checkWriteAccess(fs: typeof FileSystem): void {
  replaceFunction(fs, "accessSync", (original) => (...args) => {
    original(...args);
    const refusal = writeRefusal(args);
    if (refusal !== undefined) throw refusal;
  });
  replaceFunction(fs, "access", (original) => (...args) => {
    const callback = args.at(-1);
    if (typeof callback !== "function") return original(...args);
    return original(...args.slice(0, -1), (error: unknown) =>
      callback(error ?? writeRefusal(args) ?? null),
    );
  });
}

export function checkWriteAccessOf(promises: object): void {
  replaceFunction(promises, "access", (original) => async (...args) => {
    await original(...args);
    const refusal = writeRefusal(args);
    if (refusal !== undefined) throw refusal;
  });
}

/** As Node refuses the write itself. */
function writeRefusal([path, mode]: readonly unknown[]): Error | undefined {
  if (typeof path !== "string" || typeof mode !== "number" || (mode & W_OK) === 0) return undefined;
  if (process.permission.has("fs.write", path)) return undefined;
  const fields = { code: "ERR_ACCESS_DENIED", permission: "FileSystemWrite", resource: path };
  return Object.assign(new Error("The service may not write this file."), fields);
}
