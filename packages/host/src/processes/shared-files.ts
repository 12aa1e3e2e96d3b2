import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { memoryFile, SHARES_MEMORY, type SharedMemory } from "@leveros/protocol";

/** Where Linux keeps files in memory (shm_overview(7)). */
const MEMORY = "/dev/shm";

/** Files in memory that only this process and one that it starts have open, for the link between them. */
export interface SharedFiles {
  /** undefined = this system has none. */
  readonly memory: SharedMemory | undefined;
  /** For the other process: they follow its link. */
  readonly fds: readonly number[];
  /** For its environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** May be called twice. */
  close(): void;
}

/** They have no names, so that nobody else can open them, and end with the last who has them open. */
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
    // Said as well: what this process was started with may say otherwise.
    return { memory: undefined, fds: [], variables: { [SHARES_MEMORY]: "no" }, close() {} };
  }
}
