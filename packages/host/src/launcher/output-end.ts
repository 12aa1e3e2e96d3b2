import type { ChildProcess } from "node:child_process";
import type { Clock } from "../clock.ts";
import type { OutputReading } from "../processes/read-output.ts";

/** Lever waits so long for further output of an exited process, */
const SILENCE_MS = 50;
/** so many times after the last output that came. A host under load may read late. */
const SILENCES = 4;
/** Most such waits: a process that has left the group may print without end. */
const WAITS_MAX = 100;

/**
 * Returns a function to call when the process has exited. It resolves when the last output has been read from the pipes, or
 * when none has come for 200 ms: a process that has left the group may keep the pipes open. Call this before the process can
 * exit.
 */
export function watchOutputEnd(
  child: ChildProcess,
  reading: Pick<OutputReading, "bytes" | "finish">,
  clock: Clock,
): () => Promise<void> {
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return async () => {
    const expired = Promise.withResolvers<void>();
    let timer: unknown;
    let silences = 0;
    let waits = 0;
    const wait = (): void => {
      const { bytes } = reading;
      timer = clock.setTimeout(() => {
        silences = reading.bytes === bytes ? silences + 1 : 0;
        if (++waits === WAITS_MAX || silences === SILENCES) expired.resolve();
        else wait();
      }, SILENCE_MS);
    };
    wait();
    await Promise.race([closed, expired.promise]);
    clock.clearTimeout(timer);
    reading.finish();
  };
}
