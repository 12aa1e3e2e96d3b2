import { spawn } from "node:child_process";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { attachLink, ignoredEvents, LeverError, type Link } from "@leveros/protocol";

/** A program that runs with its link as file descriptor 3, and the host's end of that link. */
export interface LinkedChild extends AsyncDisposable {
  readonly link: Link;
  /** Control messages that have arrived. */
  readonly messages: readonly unknown[];
  /** Exit status, once its output has been read. */
  readonly exited: Promise<number | null>;
  /** Sends TERM. */
  terminate(): void;
}

/** Starts a TypeScript program of Lever in place of its host. */
export function startLinkedChild(program: string): LinkedChild {
  const child = spawn(process.execPath, ["--conditions=lever-source", program], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
    // A group of its own, which ends with what the program has started.
    detached: true,
  });
  const exited = once(child, "close").then(([status]) => status as number | null);
  const socket = child.stdio[3];
  if (!(socket instanceof Duplex)) throw new Error("The child has no file descriptor 3.");
  const messages: unknown[] = [];
  const link = attachLink(socket, {
    side: "listener",
    messageBytesMax: 1_000_000,
    callsMax: 100,
    onCall: () => ignoredEvents,
    onControl: (message) => messages.push(message),
    onClose: () => link.close(new LeverError("unavailable", "The child has exited.")),
  });
  return {
    link,
    messages,
    exited,
    terminate: () => void child.kill("SIGTERM"),
    async [Symbol.asyncDispose]() {
      killGroup(child.pid);
      await exited;
    },
  };
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has exited.
  }
}
