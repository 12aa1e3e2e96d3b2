import type { ChildProcess } from "node:child_process";
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LeverError } from "@leveros/protocol";
import type { Clock } from "../../clock.ts";
import { findProgram } from "../../processes/find-program.ts";
import { startLinked } from "../../processes/linked-process.ts";
import type { ProcessExit } from "../../processes/process-exit.ts";
import type { ProcessRecords } from "../../processes/process-records.ts";
import { readOutput } from "../../processes/read-output.ts";
import { copyProgram, programIn } from "../instance-program.ts";
import { type LaunchedRuntime, type Launcher, outOfMemory } from "../launcher.ts";
import { nodeFlags, nodeVariables } from "../node-flags.ts";
import { moveDiskToFolder, serviceDisksDir } from "../service-data.ts";
import { MemoryWatchdog } from "./memory-watchdog.ts";
import { type NodePermissions, nodePermissions } from "./node-permissions.ts";
import { closedFolder, type HostValues, ServiceUsers, tryUsers } from "./service-users.ts";

/** How long the last output of an ended process is waited for. */
const OUTPUT_GRACE_MS = 200;

/** Of the host's environment, what an instance may see. */
const VARIABLES_KEPT = ["PATH", "LANG", "LC_ALL", "TZ"];

/** Processes and threads of one service's user: of all instances, each of which has about a dozen. */
const USER_PROCESSES_MAX = 4_096;

export interface ProcessOptions {
  readonly dataDir: string;
  readonly records: ProcessRecords;
  readonly hostValues: HostValues;
  readonly clock: Clock;
}

export interface ProcessLauncher extends Launcher {
  /** Why services have no users of their own; undefined = they have. */
  readonly sharedUserReason: string | undefined;
}

/**
 * Starts each runtime as a child process: clean environment, Node's permission model, own session and process group,
 * and one end of a socket pair as its link; as root a user of the service's own, too. What uses more memory than its
 * `ram` is ended. A fence against accidents, not against hostile code.
 */
export async function openProcessLauncher(options: ProcessOptions): Promise<ProcessLauncher> {
  const { dataDir, records, hostValues } = options;
  for (const name of ["code", "services"]) mkdirSync(join(dataDir, name), { recursive: true });
  const temporary = join(dataDir, "tmp");
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary);
  chmodSync(temporary, 0o1777);
  const sharedUserReason = await tryUsers(dataDir);
  const users =
    sharedUserReason === undefined ? await ServiceUsers.open(dataDir, hostValues) : undefined;
  const watchdog = new MemoryWatchdog(options.clock);
  const { command, env } = await runtimeCommand(dataDir, { hasUsers: users !== undefined });
  const moving = new Map<string, Promise<void>>();
  /** Of a service that ran in containers before. */
  const moveOutOnce = (environment: string, service: string, serviceDir: string): Promise<void> => {
    const under =
      moving.get(serviceDir) ??
      moveDiskToFolder(join(serviceDisksDir(dataDir), environment, service), serviceDir).finally(
        () => moving.delete(serviceDir),
      );
    moving.set(serviceDir, under);
    return under;
  };
  return {
    sharedUserReason,
    launch({ ram, onOutput }): LaunchedRuntime {
      const [program, ...args] = command(ram);
      const { child, pid, socket, shared } = startLinked(({ variables }) => ({
        program,
        args,
        env: { ...env, ...variables },
        cwd: "/",
      }));
      readOutput([child.stdout, child.stderr], onOutput);
      try {
        records.add(pid);
      } catch (error) {
        // What cannot be written down would outlive a crash of the host.
        killGroup(pid);
        throw new LeverError(
          "start_failed",
          `Cannot start an instance: its process cannot be recorded (${String(error)}).`,
          { cause: error },
        );
      }
      let limit: string | undefined;
      const exited = whenExited(child).then(async ({ exit, closed }) => {
        watchdog.letGo(pid);
        // What the service itself started must not outlive it.
        killGroup(pid);
        records.remove(pid);
        // What it wrote last is still in the pipes; a process that left the group may hold them open for ever.
        await Promise.race([closed, delay(OUTPUT_GRACE_MS, undefined, { ref: false })]);
        return limit === undefined ? exit : { ...exit, limit };
      });
      const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
      return {
        pid,
        isWarm: false,
        socket,
        shared,
        exited,
        get memoryBytes() {
          return isRunning() ? watchdog.bytesOf(pid) : 0;
        },
        async attach({ environment, service, codeDir, dataDir: serviceDir }) {
          await moveOutOnce(environment, service, serviceDir);
          const user = await users?.admit(serviceDir, codeDir);
          if (isRunning()) {
            watchdog.watch(pid, {
              bytesMax: ram * 1e6,
              onOver: ({ bytes, pids }) => {
                limit = outOfMemory(ram, bytes);
                for (const one of pids) kill(one);
                killGroup(pid);
              },
            });
          }
          return { codeDir, dataDir: serviceDir, ...(user && { user }) };
        },
        terminate: () => {
          child.kill("SIGTERM");
        },
        kill: () => {
          if (isRunning()) killGroup(pid);
        },
      };
    },
  };
}

interface RuntimeCommand {
  /** With what goes with the megabytes that its instance is allotted. */
  command(ram: number): readonly [string, ...string[]];
  readonly env: Record<string, string>;
}

async function runtimeCommand(
  dataDir: string,
  { hasUsers }: { hasUsers: boolean },
): Promise<RuntimeCommand> {
  // Where Lever is installed, neither the users of services may come nor what the fence holds.
  const folder = join(dataDir, "runtime");
  rmSync(folder, { recursive: true, force: true });
  copyProgram(folder);
  const fence = nodePermissions(dataDir, folder);
  const main = [programIn(folder), ...(hasUsers ? ["--own-user"] : [])];
  const command = (ram: number): readonly [string, ...string[]] => {
    const node = [process.execPath, ...nodeFlags(ram), ...fence.args];
    const [program = process.execPath, ...args] = [...limits({ hasUsers }), ...node, ...main];
    return [program, ...args];
  };
  const env = environment(fence);
  // A program is looked for no further than at a folder that may not be looked into.
  if (hasUsers)
    env["PATH"] = [...openNode(folder), ...openFolders(env["PATH"] ?? "")].join(delimiter);
  return { command, env };
}

/** Programs that start another under limits, where the system has them: each becomes that other, under the same pid. */
function limits({ hasUsers }: { hasUsers: boolean }): string[] {
  const prlimit = findProgram("prlimit");
  const setpriv = findProgram("setpriv");
  const most = `--nproc=${USER_PROCESSES_MAX}:${USER_PROCESSES_MAX}`;
  return [
    ...(prlimit === undefined ? [] : [prlimit, "--core=0:0", ...(hasUsers ? [most] : [])]),
    ...(setpriv === undefined ? [] : [setpriv, "--no-new-privs"]),
  ];
}

function openFolders(path: string): string[] {
  const isOpen = (dir: string): boolean =>
    existsSync(dir) && closedFolder(realpathSync(dir)) === undefined;
  return path.split(delimiter).filter(isOpen);
}

/** The folder of a Node that services' programs can be run with, where the host's own is out of their users' reach. */
function openNode(runtimeDir: string): string[] {
  const node = realpathSync(process.execPath);
  if (closedFolder(dirname(node)) === undefined) return [];
  const dir = join(runtimeDir, "bin");
  mkdirSync(dir);
  copyFileSync(node, join(dir, "node"), constants.COPYFILE_FICLONE);
  chmodSync(join(dir, "node"), 0o755);
  return [dir];
}

function environment({ temporaryDir }: NodePermissions): Record<string, string> {
  const env: Record<string, string> = { ...nodeVariables, TMPDIR: temporaryDir };
  for (const name of VARIABLES_KEPT) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

function whenExited(child: ChildProcess): Promise<{ exit: ProcessExit; closed: Promise<unknown> }> {
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return new Promise((resolve) => {
    child.once("exit", (status, signal) => {
      const exit = { status: status ?? undefined, signal: signal ?? undefined };
      // In an object, since a promise that resolves to a promise would wait for it.
      resolve({ exit, closed });
    });
  });
}

function killGroup(pid: number): void {
  kill(-pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // There is no such process or group: all of it has ended.
  }
}
