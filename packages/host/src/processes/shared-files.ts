import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { memoryFile, SHARES_MEMORY, type SharedMemory } from "@leveros/protocol";

/** Where Linux keeps files in memory (shm_overview(7)). */
const MEMORY = "/dev/shm";

/** Files in memory that only this process and one child process have open, for the link between them. */
export interface SharedFiles {
  /** undefined = this system has no shared memory. */
  readonly memory: SharedMemory | undefined;
  /** For the child process, after the file descriptor of its link. */
  readonly fds: readonly number[];
  /** For the environment of the child process. */
  readonly variables: Readonly<Record<string, string>>;
  /** May be called twice. */
  close(): void;
}

/** The files have no names: no other process can open them, and they are freed when both processes have closed them. */
export function openSharedFiles(): SharedFiles {
  const fds: number[] = [];
  let isClosed = false;
  const close = (): void => {
    if (!isClosed) for (const fd of fds) closeSync(fd);
    isClosed = true;
  };
  const open = (): number => {
    const path = join(MEMORY, `lever-${randomBytes(12).toString("hex")}`);
    const fd = openSync(path, "wx+", 0o600);
    fds.push(fd);
    unlinkSync(path);
    return fd;
  };
  const fs = { readSync, writeSync, ftruncateSync };
  try {
    const [outgoing, incoming] = [open(), open()].map((fd) => memoryFile(fd, fs, () => isClosed));
    const memory = outgoing && incoming && { outgoing, incoming };
    return { memory, fds, variables: { [SHARES_MEMORY]: "yes" }, close };
  } catch {
    close();
    // Set explicitly: this process may itself have been started with "yes".
    return { memory: undefined, fds: [], variables: { [SHARES_MEMORY]: "no" }, close() {} };
  }
}
