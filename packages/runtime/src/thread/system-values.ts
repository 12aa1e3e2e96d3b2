import type * as OperatingSystem from "node:os";
import { replaceFunction } from "./replace-function.ts";

/** Bytes that the service may use; undefined outside of an instance. */
function ramBytes(): number | undefined {
  const megabytes = Number(process.env["LEVEROS_RAM"]);
  return megabytes > 0 ? megabytes * 1e6 : undefined;
}

function freeBytes(): number | undefined {
  const all = ramBytes();
  return all === undefined ? undefined : Math.max(0, all - process.memoryUsage.rss());
}

/** Makes a process report the memory of its instance in place of the machine's. */
export function wrapMemoryOfProcess(): void {
  replaceFunction(process, "constrainedMemory", (original) => () => ramBytes() ?? original());
  replaceFunction(process, "availableMemory", (original) => () => freeBytes() ?? original());
}

/** Makes node:os report that memory too, and describe users that have no account on the machine. */
export function wrapSystem(os: typeof OperatingSystem): void {
  replaceFunction(os, "totalmem", (original) => () => ramBytes() ?? original());
  replaceFunction(os, "freemem", (original) => () => freeBytes() ?? original());
  replaceFunction(os, "userInfo", (original) => (...args) => {
    try {
      return original(...args);
    } catch (error) {
      const [options] = args;
      const isSystemError =
        error instanceof Error && "code" in error && error.code === "ERR_SYSTEM_ERROR";
      if (isSystemError) return describeUser(os.homedir(), options);
      throw error;
    }
  });
}

/** A user without an account: the numbers that the system has, and the service for its name. */
function describeUser(homedir: string, options: unknown): object {
  const isBuffer =
    typeof options === "object" &&
    options !== null &&
    "encoding" in options &&
    options.encoding === "buffer";
  const text = (value: string): string | Buffer => (isBuffer ? Buffer.from(value) : value);
  return {
    uid: process.getuid?.() ?? -1,
    gid: process.getgid?.() ?? -1,
    username: text(process.env["LEVEROS_SERVICE"] ?? "lever"),
    homedir: text(homedir),
    shell: null,
  };
}
