import { constants } from "node:os";
import type { ProcessExit } from "../../processes/process-exit.ts";

/** A container runtime exits with this plus the number of the signal that ended the container's first process. */
const SIGNAL_STATUS = 128;

/** How a container has ended, by how its container runtime has: the latter exits in place of the former. */
export function containerExit(status: number | null, signalName: string | null): ProcessExit {
  const number = status !== null && status > SIGNAL_STATUS ? status - SIGNAL_STATUS : undefined;
  const name =
    signalName ?? Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name === undefined
    ? { status: status ?? undefined, signal: undefined }
    : { status: undefined, signal: name };
}
