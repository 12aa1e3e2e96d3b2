import type * as OperatingSystem from "node:os";
import { memoryOfInstance } from "./memory-of-instance.ts";
import { replaceFunction } from "./replace-function.ts";

/** Makes node:os report the memory of the instance, and describe users that have no account on the machine. */
export function wrapSystem(os: typeof OperatingSystem): void {
  replaceFunction(os, "totalmem", (original) => () => memoryOfInstance.constrained() ?? original());
  replaceFunction(os, "freemem", (original) => () => memoryOfInstance.available() ?? original());
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
