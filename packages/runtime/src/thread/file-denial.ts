/** A call of a function of node:fs, as its errors name it. */
export interface FileCall {
  readonly syscall: string;
  readonly path: unknown;
  /** The second path of functions that have two. */
  readonly dest?: unknown;
}

/** Errors of the system have these numbers on all systems that Lever runs on. */
const ENOENT = { code: "ENOENT", errno: -2, text: "no such file or directory" };
const EACCES = { code: "EACCES", errno: -13, text: "permission denied" };

interface SystemErrorFields {
  code: string;
  errno: number;
  syscall: string;
  path?: string;
  dest?: string;
}

/**
 * The error of a system that enforces Node's permissions itself: a path that a service may not read does not exist, and a
 * path that it may not write is refused. Node's own error names a flag, which a service cannot set, and packages that
 * look for a file do not expect it. Returns undefined for every other error.
 *
 * @param writable the folders that a service may write, for the message.
 */
export function systemErrorOf(
  error: unknown,
  call: FileCall,
  writable: readonly string[],
): (Error & SystemErrorFields) | undefined {
  const denial = denialOf(error);
  if (denial === undefined) return undefined;
  const isOfFiles = denial.permission?.startsWith("FileSystem") === true;
  const path = pathText(call.path) ?? (isOfFiles ? denial.resource : undefined);
  const dest = pathText(call.dest);
  const isHidden = denial.permission === "FileSystemRead" && !isSame(denial.resource, dest);
  const { code, errno, text } = isHidden ? ENOENT : EACCES;
  const paths = [path, dest].filter((it) => it !== undefined).map((it) => `'${it}'`);
  const what = [call.syscall, paths.join(" -> ")].join(" ").trim();
  const why = reason({ isHidden, isOfFiles, writable });
  const systemError = new Error(`${code}: ${text}, ${what} (${why})`);
  // As Node's errors of calls that do not wait have it.
  systemError.stack = `Error: ${systemError.message}`;
  return Object.assign(systemError, {
    code,
    errno,
    syscall: call.syscall,
    ...(path !== undefined && { path }),
    ...(dest !== undefined && { dest }),
  });
}

/** Whether Node's permissions are the reason of an error. */
export function isDenial(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "ERR_ACCESS_DENIED";
}

interface Reason {
  readonly isHidden: boolean;
  readonly isOfFiles: boolean;
  readonly writable: readonly string[];
}

function reason({ isHidden, isOfFiles, writable }: Reason): string {
  if (isHidden) return "it is outside the folders that a service in process isolation sees";
  if (!isOfFiles) return "a service may do this in containers, and not in process isolation";
  return `a service in process isolation writes only below ${writable.join(" and ")}`;
}

interface Denial {
  readonly permission: string | undefined;
  readonly resource: string | undefined;
}

/** Functions that Node disables altogether under permissions name neither a permission nor a resource. */
function denialOf(error: unknown): Denial | undefined {
  if (!isDenial(error)) return undefined;
  const text = (value: unknown): string | undefined =>
    typeof value === "string" && value !== "" ? value : undefined;
  return {
    permission: text("permission" in error && error.permission),
    resource: text("resource" in error && error.resource),
  };
}

/** undefined for a number, which is a descriptor. */
function pathText(path: unknown): string | undefined {
  if (typeof path === "string") return path;
  if (path instanceof URL) return decodeURIComponent(path.pathname);
  return path instanceof Uint8Array ? Buffer.from(path).toString() : undefined;
}

/** `resource` is absolute, `path` need not be. */
function isSame(resource: string | undefined, path: string | undefined): boolean {
  if (resource === undefined || path === undefined) return false;
  return process.getBuiltinModule("path").resolve(path) === resource;
}
