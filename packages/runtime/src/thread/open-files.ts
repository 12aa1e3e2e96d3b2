/**
 * Functions of open files that Node disables in a process with permissions, since a descriptor does not name the path that
 * a permission is for. Linux names it.
 */
import type * as FileSystem from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { replaceFunction } from "./replace-function.ts";
import { flush, pathOf } from "./wasi-files.ts";

/** Each does what another function does for the path, which Node checks. */
const BY_PATH = [
  ["fchmod", "chmod"],
  ["fchown", "chown"],
  ["futimes", "utimes"],
] as const;
/** A flush changes nothing that a permission is for. */
const FLUSHES = ["fsync", "fdatasync"] as const;

export function wrapDescriptors(fs: typeof FileSystem): void {
  for (const [name, byPath] of BY_PATH) {
    const change = (fd: unknown, ...values: unknown[]): void => {
      Reflect.apply(fs[`${byPath}Sync`], fs, [pathOf(checkedFd(fs, fd), name), ...values]);
    };
    replaceFunction(fs, `${name}Sync`, () => change);
    replaceFunction(fs, name, () => withCallback(async (fd, ...values) => change(fd, ...values)));
  }
  for (const name of FLUSHES) {
    replaceFunction(fs, `${name}Sync`, () => (fd) => flush(checkedFd(fs, fd), name));
    replaceFunction(fs, name, () =>
      withCallback(async (fd) => flushWithoutWaiting(fs, checkedFd(fs, fd), name)),
    );
  }
}

/** The methods of file handles that Node disables. Their flushes work. */
export function wrapHandles(promises: object, fs: typeof FileSystem): void {
  let isWrapped = false;
  replaceFunction(promises, "open", (original) => async (...args) => {
    const handle: unknown = await original(...args);
    if (isWrapped || typeof handle !== "object" || handle === null) return handle;
    isWrapped = true;
    const prototype: unknown = Object.getPrototypeOf(handle);
    if (typeof prototype !== "object" || prototype === null) return handle;
    for (const [name, byPath] of BY_PATH) {
      replaceFunction(
        prototype,
        byPath,
        () =>
          async function change(this: unknown, ...values) {
            const path = pathOf(Number(Reflect.get(Object(this), "fd")), name);
            return Reflect.apply(fs.promises[byPath], fs.promises, [path, ...values]);
          },
      );
    }
    return handle;
  });
}

/**
 * Flushes in a thread of libuv's pool. The method of a file handle does that for any object with a descriptor, such as one
 * that inherits everything else from another handle.
 */
async function flushWithoutWaiting(
  fs: typeof FileSystem,
  fd: number,
  name: (typeof FLUSHES)[number],
): Promise<void> {
  const handle = await fs.promises.open("/dev/null");
  try {
    const other: FileHandle = Object.create(handle, { fd: { value: fd } });
    await (name === "fsync" ? other.sync() : other.datasync());
  } finally {
    await handle.close();
  }
}

/** @throws Node's own error for what is no descriptor, or none of an open file. */
function checkedFd(fs: typeof FileSystem, fd: unknown): number {
  Reflect.apply(fs.fstatSync, fs, [fd]);
  return Number(fd);
}

type Work = (...args: unknown[]) => Promise<unknown>;

function withCallback(work: Work): (...args: unknown[]) => void {
  return (...args) => {
    const callback = args.pop();
    if (typeof callback !== "function") throw new TypeError("The callback is not a function.");
    // Not in the promise's own reaction: what the callback throws is not a rejection.
    work(...args).then(
      () => process.nextTick(callback, null),
      (error: unknown) => process.nextTick(callback, error),
    );
  };
}
