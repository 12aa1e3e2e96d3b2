import { type ChildProcess, spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { LeverError, LINK_FD, type SharedMemory } from "@leveros/protocol";
import { openSharedFiles } from "./shared-files.ts";

interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Default: this process's own. */
  readonly cwd?: string;
}

/** What the started process has to be given beside its link. */
export interface GivenToLinked {
  /** For its environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** How many file descriptors it inherits, from 3 on: its link is the first. */
  readonly fds: number;
}

/** A process that is linked with this one. */
export interface LinkedProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** This end of the link. */
  readonly socket: Duplex;
  /** Open as long as the link is; undefined = this system has none. */
  readonly shared: SharedMemory | undefined;
}

/**
 * Starts a process in a session of its own, with a link to this one as its file descriptor 3.
 * @throws LeverError `start_failed` when the system makes none, and whatever `command` throws.
 */
export function startLinked(command: (given: GivenToLinked) => Command): LinkedProcess {
  const files = openSharedFiles();
  try {
    const { program, args, env, cwd } = command({
      variables: files.variables,
      fds: 1 + files.fds.length,
    });
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe", "pipe", ...files.fds],
      env,
      ...(cwd !== undefined && { cwd }),
      detached: true,
    });
    // Of a process that could not be made, too: the reason follows as an event, which must have a listener.
    child.on("error", () => {});
    const { pid } = child;
    const socket = child.stdio[LINK_FD];
    if (pid === undefined || !(socket instanceof Duplex)) {
      throw new LeverError("start_failed", "Cannot start a process: the system makes none.");
    }
    socket.once("close", files.close);
    return { child, pid, socket, shared: files.memory };
  } catch (error) {
    files.close();
    throw error;
  }
}
