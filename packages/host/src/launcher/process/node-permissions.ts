import { existsSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";

/** Of the system, what programs read: nothing that tells of other processes or of people. */
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/sys"];
const SYSTEM_MACOS = ["/System", "/Library"];
const ETC =
  "ssl pki ca-certificates alternatives fonts hosts resolv.conf nsswitch.conf passwd group os-release localtime timezone mime.types services protocols";
/** Not the whole folder: what it says of a process leads to every file that this has open, and to its root. */
const PROC =
  "cpuinfo meminfo stat loadavg version uptime self/status self/stat self/statm self/cgroup self/limits";
const DEVICES = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];
const TEMPORARY = "/tmp";

/** Everything but files: to deny these would break many services, and keep out none that means harm. */
const ALLOWED = ["--allow-child-process", "--allow-worker", "--allow-addons", "--allow-wasi"];
/** Of a later Node, which restricts these too. */
const ALLOWED_WHERE_KNOWN = ["--allow-net"];
/** Node warns of each such flag, in the name of the service. */
const WARNINGS = ["PERM0001", "PERM0002", "PERM0005", "PERM0006"];

export interface NodePermissions {
  /** Arguments of Node. */
  readonly args: readonly string[];
  /** Where instances keep temporary files: the system's folder, unless Lever's own files are in that. */
  readonly temporaryDir: string;
}

/**
 * What a runtime may do with files through Node (its permission model): read code and the system, read and write the
 * data of services and temporary files. It is set when the process starts, before its service is known, so it is the
 * same for all services. `runtimeDir` is the folder of the runtime's own code; neither folder has a link in its path.
 */
export function nodePermissions(dataDir: string, runtimeDir: string): NodePermissions {
  const isOutside = (path: string): boolean => !`${dataDir}${sep}`.startsWith(`${path}${sep}`);
  const system = tmpdir();
  const temporaryDir = bothNames(system).every(isOutside) ? system : join(dataDir, "tmp");
  const written = [
    join(dataDir, "services"),
    ...bothNames(temporaryDir),
    ...bothNames(TEMPORARY).filter(isOutside),
    "/dev/null",
  ];
  const etc = ETC.split(" ").map((name) => join("/etc", name));
  const proc = PROC.split(" ").map((name) => join("/proc", name));
  const read = [
    ...written,
    join(dataDir, "code"),
    runtimeDir,
    ...[...SYSTEM, ...SYSTEM_MACOS, ...etc, ...proc, ...DEVICES].filter(isOutside),
  ];
  const allowed = ALLOWED_WHERE_KNOWN.filter((flag) =>
    process.allowedNodeEnvironmentFlags.has(flag),
  );
  const args = [
    "--permission",
    ...ALLOWED,
    ...allowed,
    ...[...new Set(read)].filter(existsSync).map((path) => `--allow-fs-read=${path}`),
    ...[...new Set(written)].filter(existsSync).map((path) => `--allow-fs-write=${path}`),
    ...WARNINGS.map((code) => `--disable-warning=${code}`),
  ];
  return { args, temporaryDir };
}

/** A folder by the name it was given, and by its own. */
function bothNames(path: string): string[] {
  return existsSync(path) ? [...new Set([path, realpathSync(path)])] : [path];
}
