import type { Host, HostOptions } from "@leveros/host";
import { LeverError } from "@leveros/protocol";
import { CommandError, exitStatus } from "../../exit-status.ts";

/**
 * Starts a host in this process.
 * @param remedy what the user can do when the port or the data folder cannot be used.
 * @throws CommandError for what the user can change.
 */
export async function openHost(options: HostOptions, remedy: string): Promise<Host> {
  const { startHost, StartupError } = await import("@leveros/host");
  try {
    return await startHost(options);
  } catch (error) {
    if (error instanceof StartupError) throw startFailure(error, remedy);
    if (error instanceof LeverError) throw startFailure(error);
    throw error;
  }
}

function startFailure(error: Error, ...remedy: string[]): CommandError {
  const text = [error.message, ...remedy].join("\n");
  return new CommandError(exitStatus.lever, text, { cause: error });
}
