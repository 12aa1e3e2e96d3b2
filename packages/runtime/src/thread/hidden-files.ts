import type * as FileSystem from "node:fs";
import { isDenial, systemErrorOf } from "./file-denial.ts";
import { wrapDescriptors, wrapHandles } from "./open-files.ts";
import { type AnyFunction, replaceFunction } from "./replace-function.ts";
import { checkWriteAccess, checkWriteAccessOf } from "./write-access.ts";

/** Functions that take paths: with a callback, and where Node has that with a promise and as `…Sync`. */
const FUNCTIONS =
  "access appendFile chmod chown copyFile cp lchown link lstat lutimes mkdir mkdtemp open opendir readFile readdir readlink realpath rename rm rmdir stat statfs symlink truncate unlink utimes writeFile".split(
    " ",
  );
/** Further ones, which only answer at once. */
const SYNCHRONOUS = ["existsSync", "mkdtempDisposableSync", "watch", "watchFile"];
const TWO_PATHS = new Set(["copyFile", "cp", "link", "rename", "symlink"]);
/** System calls in errors, where the function has another name. */
const SYSCALLS = new Map([
  ["appendFile", "open"],
  ["copyFile", "copyfile"],
  ["loadEnvFile", "open"],
  ["lutimes", "lutime"],
  ["mkdtempDisposable", "mkdtemp"],
  ["openAsBlob", "open"],
  ["readFile", "open"],
  ["readdir", "scandir"],
  ["truncate", "open"],
  ["utimes", "utime"],
  ["watchFile", "stat"],
  ["writeHeapSnapshot", "open"],
  ["writeFile", "open"],
]);

/**
 * Makes node:fs answer in a process with Node's permissions as it does where the system itself refuses: a path that the
 * service may not read does not exist, and one that it may not write is refused with EACCES. What Node disables for open
 * files works again where the service may write.
 */
export function wrapFiles(fs: typeof FileSystem): void {
  const { native } = fs.realpath;
  // Node's own function looks at every folder on the way, also at those that the service may not see.
  replaceFunction(
    fs,
    "realpath",
    () =>
      (...args) =>
        Reflect.apply(native, fs.realpath, args),
  );
  checkWriteAccess(fs);
  for (const name of FUNCTIONS) {
    wrapSynchronous(fs, `${name}Sync`);
    replaceFunction(fs, name, (original) => withCallback(name, original));
  }
  replaceFunction(fs.realpath, "native", (original) => withCallback("realpath", original));
  replaceFunction(fs.realpathSync, "native", (original) => synchronous("realpath", original));
  for (const name of SYNCHRONOUS) wrapSynchronous(fs, name);
  replaceFunction(fs, "openAsBlob", (original) => withPromise("openAsBlob", original));
  wrapDescriptors(fs);
  wrapPromisesLater(fs);
}

/** Node loads them, a megabyte, when they are first used. */
function wrapPromisesLater(fs: typeof FileSystem): void {
  const property = Object.getOwnPropertyDescriptor(fs, "promises");
  let promises: unknown;
  Object.defineProperty(fs, "promises", {
    ...property,
    get: () => {
      if (promises !== undefined) return promises;
      promises = property?.get?.call(fs);
      if (typeof promises !== "object" || promises === null) return promises;
      checkWriteAccessOf(promises);
      for (const name of [...FUNCTIONS, "mkdtempDisposable"]) {
        replaceFunction(promises, name, (original) => withPromise(name, original));
      }
      wrapHandles(promises, fs);
      return promises;
    },
  });
}

/** Makes a function that answers at once refuse what permissions deny as the system does. */
export function wrapSynchronous(target: object, name: string): void {
  replaceFunction(target, name, (original) => synchronous(name.replace(/Sync$/, ""), original));
}

function synchronous(name: string, original: AnyFunction): AnyFunction {
  return function answer(this: unknown, ...args) {
    try {
      return original.apply(this, args);
    } catch (error) {
      return answerRefusal(name, { args, error, answer });
    }
  };
}

interface Refused {
  readonly args: readonly unknown[];
  readonly error: unknown;
  /** The function that the service has called: the error's stack shows only its callers. */
  readonly answer: AnyFunction;
}

/** Answers a call that Node has refused as the system would, with a value or by throwing. Throws other errors again. */
export function answerRefusal(name: string, { args, error, answer }: Refused): unknown {
  const refusal = refusalOf(name, args, error);
  if ("value" in refusal) return refusal.value;
  if (refusal.error instanceof Error) Error.captureStackTrace(refusal.error, answer);
  throw refusal.error;
}

function withPromise(name: string, original: AnyFunction): AnyFunction {
  return async function answer(...args) {
    try {
      return await original(...args);
    } catch (error) {
      return answerRefusal(name, { args, error, answer });
    }
  };
}

function withCallback(name: string, original: AnyFunction): AnyFunction {
  return function start(...args) {
    const callback = args.at(-1);
    if (typeof callback !== "function") return original(...args);
    const given = args.slice(0, -1);
    const fail = (reason: unknown): void => {
      const refusal = refusalOf(name, given, reason);
      if ("value" in refusal) callback(null, refusal.value);
      else callback(refusal.error);
    };
    try {
      return original(...given, (...results: unknown[]) => {
        if (results[0] instanceof Error) fail(results[0]);
        else callback(...results);
      });
    } catch (error) {
      // Some functions throw a refusal instead of passing it on.
      if (!isDenial(error)) throw error;
      process.nextTick(fail, error);
      return undefined;
    }
  };
}

/** The answer of a refused call: an error, or a value where an absent file is none. */
type Refusal = { readonly error: unknown } | { readonly value: unknown };

function refusalOf(name: string, args: readonly unknown[], error: unknown): Refusal {
  const [path, second] = args;
  const syscall = SYSCALLS.get(name) ?? name;
  const dest = TWO_PATHS.has(name) ? second : undefined;
  const systemError = systemErrorOf(error, { syscall, path, dest }, writableFolders());
  if (systemError === undefined) return { error };
  const isAbsent = systemError.code === "ENOENT" || !isVisible(systemError.path);
  if (name === "mkdir" && !isAbsent && isFolder(systemError.path))
    return existingFolder(path, second);
  if (!isAbsent || !mayBeAbsent(name, second)) return { error: systemError };
  return { value: name === "exists" ? false : undefined };
}

function isVisible(path: string | undefined): boolean {
  return path !== undefined && process.permission.has("fs.read", path);
}

function isFolder(path: string | undefined): boolean {
  const { statSync } = process.getBuiltinModule("fs");
  return path !== undefined && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The answer of mkdir for a folder that exists, which the system gives before it refuses a write. */
function existingFolder(path: unknown, options: unknown): Refusal {
  const isRecursive =
    typeof options === "object" &&
    options !== null &&
    "recursive" in options &&
    options.recursive === true;
  if (isRecursive) return { value: undefined };
  const fields = { errno: -17, code: "EEXIST", syscall: "mkdir", path };
  const message = `EEXIST: file already exists, mkdir '${String(path)}'`;
  return { error: Object.assign(new Error(message), fields) };
}

/** Whether the absence of the file is no error for this function with these options. */
function mayBeAbsent(name: string, options: unknown): boolean {
  if (name === "exists") return true;
  if (typeof options !== "object" || options === null) return false;
  if (name === "rm") return "force" in options && options.force === true;
  return "throwIfNoEntry" in options && options.throwIfNoEntry === false;
}

function writableFolders(): string[] {
  const { LEVEROS_DATA_DIR, TMPDIR } = process.env;
  return [LEVEROS_DATA_DIR, TMPDIR ?? "/tmp"].filter((path) => path !== undefined);
}
