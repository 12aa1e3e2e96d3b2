import { existsSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";

/** Folders of the system that programs read. They contain nothing about other processes or people. */
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/sys"];
const SYSTEM_MACOS = ["/System", "/Library"];
const ETC =
  "ssl pki ca-certificates alternatives fonts hosts resolv.conf nsswitch.conf passwd group os-release localtime timezone mime.types services protocols";
/** Not all of `self`: its links lead to the root and to every open file of the process. */
const PROC =
  "cpuinfo meminfo stat loadavg version uptime self/status self/stat self/statm self/cgroup self/limits";
const DEVICES = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];
const TEMPORARY = "/tmp";
/** A folder with all that it contains. Without it, Node allows only the path of a folder that is missing at the start. */
const CONTENTS = "*";

/** Permissions other than for files. Without them many services would fail, and hostile code would not be stopped. */
const ALLOWED = ["--allow-child-process", "--allow-worker", "--allow-addons", "--allow-wasi"];
/** Permissions that later versions of Node restrict too. */
const ALLOWED_WHERE_SUPPORTED = ["--allow-net"];
/** Node prints a warning for each of these flags, which would appear in the output of the service. */
const WARNINGS = ["PERM0001", "PERM0002", "PERM0005", "PERM0006"];

export interface NodePermissions {
  /** Arguments of Node. */
  readonly args: readonly string[];
  /** Folder for temporary files: the system's, unless Lever's own files are below it. */
  readonly temporaryDir: string;
}

interface PermissionOptions {
  /** Further folders that may be read, and that a debugger may be attached: the services are being developed. */
  readonly development?: { readonly readable: readonly string[] } | undefined;
  /** The system's folder for temporary files. */
  readonly systemTemporaryDir?: string;
  readonly exists?: (path: string) => boolean;
}

/**
 * A runtime's permissions for files in Node (its permission model): read code and the system; read and write services'
 * data and temporary files. Permissions are set when a process starts. Its service is unknown then, so they are the same
 * for all services. `runtimeDir`: the folder of the runtime's program. No part of either path may be a link.
 */
export function nodePermissions(
  dataDir: string,
  runtimeDir: string,
  options: PermissionOptions = {},
): NodePermissions {
  const { systemTemporaryDir = tmpdir(), exists = existsSync, development } = options;
  const isOutside = (path: string): boolean => !`${dataDir}${sep}`.startsWith(`${path}${sep}`);
  const temporaryDir = pathAndTarget(systemTemporaryDir).every(isOutside)
    ? systemTemporaryDir
    : join(dataDir, "tmp");
  const written = [
    join(dataDir, "services", CONTENTS),
    ...pathAndTarget(temporaryDir),
    ...pathAndTarget(TEMPORARY).filter(isOutside),
    "/dev/null",
  ];
  const etc = ETC.split(" ").map((name) => join("/etc", name));
  const proc = PROC.split(" ").map((name) => join("/proc", name));
  const read = [
    ...written,
    join(dataDir, "code", CONTENTS),
    runtimeDir,
    ...(development?.readable ?? []).map((path) => join(path, CONTENTS)),
    ...[...SYSTEM, ...SYSTEM_MACOS, ...etc, ...proc, ...DEVICES].filter(isOutside),
  ];
  const isThere = (path: string): boolean =>
    exists(path.endsWith(`${sep}${CONTENTS}`) ? dataDir : path);
  const supported = ALLOWED_WHERE_SUPPORTED.filter((flag) =>
    process.allowedNodeEnvironmentFlags.has(flag),
  );
  const args = [
    "--permission",
    ...ALLOWED,
    ...supported,
    ...(development === undefined ? [] : ["--allow-inspector", "--disable-warning=PERM0004"]),
    ...[...new Set(read)].filter(isThere).map((path) => `--allow-fs-read=${path}`),
    ...[...new Set(written)].filter(isThere).map((path) => `--allow-fs-write=${path}`),
    ...WARNINGS.map((code) => `--disable-warning=${code}`),
  ];
  return { args, temporaryDir };
}

/** A path and, if it contains a link, the path that it leads to. Node checks both. */
function pathAndTarget(path: string): string[] {
  return existsSync(path) ? [...new Set([path, realpathSync(path)])] : [path];
}
