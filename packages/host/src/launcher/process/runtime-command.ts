/** The command that starts a runtime as a process: limits, Node, its permissions, the runtime's program, and variables. */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { findProgram } from "../../processes/find-program.ts";
import { copyCompiler, copyProgram, programArgs } from "../instance-program.ts";
import type { Development } from "../launcher.ts";
import { nodeFlags, nodeVariables } from "../node-flags.ts";
import { nodePermissions } from "./node-permissions.ts";
import { closedFolder } from "./user-support.ts";

/** Variables of the host that runtimes inherit. */
const INHERITED_VARIABLES = ["PATH", "LANG", "LC_ALL", "TZ"];

/** Processes and threads of one service's user, in all of its instances. A runtime has about a dozen. */
const USER_PROCESSES_MAX = 4_096;

export interface RuntimeCommand {
  /** Program and arguments for a runtime with `ram` megabytes. `mark`: of its process and of all that it starts. */
  command(ram: number, mark: string | undefined): readonly [program: string, ...args: string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** Copies the runtime's program, and Node if needed, into the data folder. `hasUsers`: services have users of their own. */
export function prepareRuntimeCommand(
  dataDir: string,
  { hasUsers, development }: { hasUsers: boolean; development?: Development | undefined },
): RuntimeCommand {
  // Services' users may be unable to reach the folder where Lever is installed, and Node's permissions do not include it.
  const runtimeDir = join(dataDir, "runtime");
  rmSync(runtimeDir, { recursive: true, force: true });
  copyProgram(runtimeDir);
  copyCompiler(runtimeDir);
  const { args: permissions, temporaryDir } = nodePermissions(dataDir, runtimeDir, {
    development,
  });
  const program = [...programArgs(runtimeDir), ...(hasUsers ? ["--own-user"] : [])];
  const env: Record<string, string> = { ...nodeVariables, TMPDIR: temporaryDir };
  for (const name of INHERITED_VARIABLES) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  const path = env["PATH"] ?? "";
  // A search along PATH fails at the first folder that may not be read.
  const folders = hasUsers ? reachableFolders(path) : [path];
  env["PATH"] = [nodeFolder(runtimeDir, { hasUsers }), ...folders].join(delimiter);
  const limits = limitingPrograms({ hasUsers });
  const command = (ram: number, mark: string | undefined): readonly [string, ...string[]] => {
    const node = [...nodeFlags(ram), ...permissions, ...program];
    const [first, ...rest] = limits(mark);
    return first === undefined
      ? [process.execPath, ...node]
      : [first, ...rest, process.execPath, ...node];
  };
  return { command, env };
}

/** Programs that set limits and then execute the rest of the command with the same pid; none on systems without them. */
function limitingPrograms({
  hasUsers,
}: {
  hasUsers: boolean;
}): (mark: string | undefined) => readonly string[] {
  const prlimit = findProgram("prlimit");
  const setpriv = findProgram("setpriv");
  const limits = ["--core=0:0"];
  if (hasUsers) limits.push(`--nproc=${USER_PROCESSES_MAX}:${USER_PROCESSES_MAX}`);
  const last = setpriv === undefined ? [] : [setpriv, "--no-new-privs"];
  return (mark) => {
    if (prlimit === undefined) return last;
    const marked = mark === undefined ? [] : [`--locks=${mark}:${mark}`];
    return [prlimit, ...limits, ...marked, ...last];
  };
}

function reachableFolders(path: string): string[] {
  return path
    .split(delimiter)
    .filter((dir) => existsSync(dir) && closedFolder(realpathSync(dir)) === undefined);
}

/** Makes a folder with only Node in it: a copy where services' users cannot reach the host's own, and otherwise a link. */
function nodeFolder(runtimeDir: string, { hasUsers }: { hasUsers: boolean }): string {
  const node = realpathSync(process.execPath);
  const dir = join(runtimeDir, "bin");
  const path = join(dir, "node");
  mkdirSync(dir);
  if (!hasUsers || closedFolder(dirname(node)) === undefined) {
    symlinkSync(node, path);
    return dir;
  }
  copyFileSync(node, path, constants.COPYFILE_FICLONE);
  chmodSync(path, 0o755);
  return dir;
}
