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

/** Must be passed to the started process along with its link. */
export interface GivenToLinked {
  /** Variables for its environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** The number of file descriptors that it inherits, from 3 on. The first is its link. */
  readonly fds: number;
}

/** A child process with a link to this process. */
export interface LinkedProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** This end of the link. */
  readonly socket: Duplex;
  /** Closed with the link; undefined = this system has no shared memory. */
  readonly shared: SharedMemory | undefined;
}

/**
 * Starts a process in a session of its own, with a link to this one as its file descriptor 3.
 * @throws LeverError `start_failed` when the system cannot start it; and what `command` throws.
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
    // A process that cannot be started also emits "error", which must have a listener.
    child.on("error", () => {});
    const { pid } = child;
    const socket = child.stdio[LINK_FD];
    if (pid === undefined || !(socket instanceof Duplex)) {
      throw new LeverError("start_failed", "Cannot start a process: the system refuses to.");
    }
    socket.once("close", files.close);
    return { child, pid, socket, shared: files.memory };
  } catch (error) {
    files.close();
    throw error;
  }
}
