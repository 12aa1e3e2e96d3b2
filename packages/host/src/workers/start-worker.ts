import { extname, join } from "node:path";
import type { Clock } from "../clock.ts";
import { type LinkedProcess, startLinked } from "../processes/linked-process.ts";
import type { ProcessExit } from "../processes/process-exit.ts";
import type { ProcessRecords } from "../processes/process-records.ts";
import { type OnOutput, readOutput } from "../processes/read-output.ts";
import type { ProcessHandle } from "../processes/supervised-process.ts";

/** Beside this file, with the same extension: .ts in development, .js when built. */
const MAIN = join(import.meta.dirname, `worker-main${extname(import.meta.filename)}`);

export type WorkerHandle = ProcessHandle & LinkedProcess;

/** Starts a worker in a session of its own: only the host ends it, or the next host after a crash, by its record. */
export function startWorker(
  onOutput: OnOutput,
  { records, clock }: { records: ProcessRecords; clock: Clock },
): WorkerHandle {
  // Two processes cannot have the same port of the debugger.
  const flags = process.execArgv.filter((flag) => !flag.startsWith("--inspect"));
  const linked = startLinked(({ variables }) => ({
    program: process.execPath,
    args: [...flags, MAIN],
    env: { ...process.env, ...variables },
  }));
  const { child, pid } = linked;
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  try {
    records.add(pid);
  } catch (error) {
    kill();
    throw error;
  }
  const output = readOutput(child, onOutput, clock);
  const exited = new Promise<ProcessExit>((resolve) => {
    // After "exit", when all output has been read.
    child.once("close", (status: number | null, signal: string | null) => {
      output.finish();
      resolve({ status: status ?? undefined, signal: signal ?? undefined });
    });
  });
  return { ...linked, exited, kill };
}
