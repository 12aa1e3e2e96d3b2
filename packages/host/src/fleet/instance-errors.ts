import { DEFAULT_ENVIRONMENT, type ErrorCode, LeverError } from "@leveros/protocol";
import type { InstanceNames } from "../launcher/launcher.ts";
import { describeExit } from "../processes/process-exit.ts";
import type { ProcessEnd, SupervisionLimits } from "../processes/supervised-process.ts";

/** V8 writes this before it ends a process whose heap is full, in any of its threads. */
const HEAP_IS_FULL = /FATAL ERROR: .*JavaScript heap out of memory/;
/**
 * Signals by which a process ends itself: abort(3), and what it does where that has no effect. The first process of a
 * container ignores signals that it has no handler for (pid_namespaces(7)).
 */
const OWN_SIGNALS = new Set(["SIGABRT", "SIGSEGV", "SIGILL", "SIGTRAP"]);

/** Callers of an instance that was stopped should wait so long before they call again. */
const STOPPED_RETRY_SECONDS = 1;

export interface FailedInstance extends Omit<InstanceNames, "environment" | "instance"> {
  /** Absent = its log is not named in the error. */
  readonly environment?: string;
  readonly instance?: string;
  /** Megabytes that it was allotted. */
  readonly ram: number;
  readonly wasReady: boolean;
  /** The host has stopped it. */
  readonly wasStopped: boolean;
  readonly lastOutput: string;
  /** The unfinished step, when its start took too long; undefined = it has not reported one. */
  readonly waitedFor?: string | undefined;
}

/** Why an instance could not start. `reason` is a sentence, with or without its full stop. */
export function startError(
  failed: Omit<FailedInstance, "ram" | "wasReady" | "wasStopped">,
  reason: string,
): LeverError {
  const { service, version, lastOutput } = failed;
  const dot = /[.!?]$/.test(reason) ? "" : ".";
  const message = `Cannot start ${service} version ${version}: ${reason}${dot}`;
  return withOutput("start_failed", message, { lastOutput, logCommand: logCommand(failed) });
}

/** Shows what the instance has printed. */
function logCommand(failed: Omit<FailedInstance, "ram" | "wasReady" | "wasStopped">): string {
  const { environment, service, instance } = failed;
  if (instance === undefined) return "";
  const option = environment === DEFAULT_ENVIRONMENT ? "" : `-E ${environment} `;
  return `lever ${option}logs ${service} --instance ${instance}`;
}

/** Why an instance has ended, for the calls that it had, or that waited for it to start. */
export function endError(
  failed: FailedInstance,
  end: ProcessEnd,
  limits: Pick<SupervisionLimits, "startTimeoutMs" | "unresponsiveKillAfterMs">,
): LeverError {
  switch (end.cause) {
    case "startTimedOut":
      return startError(
        failed,
        `It was still loading after ${limits.startTimeoutMs} ms${
          failed.waitedFor === undefined ? "" : `: ${failed.waitedFor}`
        }`,
      );
    case "unresponsive": {
      const seconds = Math.round(limits.unresponsiveKillAfterMs / 1_000);
      return instanceError(failed, `did not answer for ${seconds} s and was killed`);
    }
    case "exited": {
      if (failed.wasStopped && end.exit.limit === undefined) return stoppedError(failed);
      const how = exitReason(failed, end);
      if (failed.wasReady) return instanceError(failed, how);
      return startError(failed, `The instance ${how} before it was ready`);
    }
  }
}

/** A signal from outside ended it, and no limit of its own. A container reports signals as statuses from 128 on. */
export function wasKilled(end: ProcessEnd): boolean {
  if (end.cause !== "exited" || end.exit.limit !== undefined) return false;
  return end.exit.signal !== undefined || (end.exit.status ?? 0) >= 128;
}

export type ExitKind = "crash" | "memory" | "silent";

/** How an instance has ended by itself. */
export function exitKind(end: ProcessEnd): ExitKind {
  if (end.cause !== "exited") return "silent";
  return end.exit.limit === undefined ? "crash" : "memory";
}

function instanceError({ service, version, lastOutput }: FailedInstance, how: string): LeverError {
  const message = `The instance of ${service} version ${version} that had the call ${how}.`;
  return withOutput("instance_failed", message, { lastOutput });
}

/** Lever has stopped the instance, and it has ended before its calls. Another instance may take them. */
function stoppedError({ service, version, wasReady }: FailedInstance): LeverError {
  const name = `${service} version ${version}`;
  const message = wasReady
    ? `Cannot finish the call: the instance of ${name} that had it was stopped. Call again.`
    : `Cannot start ${name}: its instance was stopped before it was ready. Try again.`;
  return new LeverError("unavailable", message, { retryAfterSeconds: STOPPED_RETRY_SECONDS });
}

/** Lever ends the streams of an instance before it stops it. `why` completes the sentence. */
export function streamEnded(service: string, why: string): LeverError {
  return new LeverError(
    "unavailable",
    `Cannot continue the stream of ${service}: ${why}. Open it again.`,
    { retryAfterSeconds: STOPPED_RETRY_SECONDS },
  );
}

function exitReason(
  { ram, lastOutput }: FailedInstance,
  { exit }: Extract<ProcessEnd, { cause: "exited" }>,
): string {
  const isHeapFull = OWN_SIGNALS.has(exit.signal ?? "") && HEAP_IS_FULL.test(lastOutput);
  if (exit.limit === undefined && isHeapFull) {
    return `ended since its JavaScript objects needed more memory than fits into the ${ram} MB that "ram" allots it`;
  }
  return describeExit(exit);
}

/** `more`: for callers who may see the logs. */
function withOutput(
  code: ErrorCode,
  publicMessage: string,
  more: { readonly lastOutput: string; readonly logCommand?: string },
): LeverError {
  const { lastOutput, logCommand = "" } = more;
  const output = lastOutput === "" ? "" : ` Its last output:\n${lastOutput}`;
  const log = logCommand === "" ? "" : `\nIts log: ${logCommand}`;
  if (output + log === "") return new LeverError(code, publicMessage);
  return new LeverError(code, `${publicMessage}${output}${log}`, { publicMessage });
}

/** A deploy would need memory that busy instances have. */
export function outOfMemory(service: string, ramMax: number): LeverError {
  return new LeverError(
    "overloaded",
    `Cannot start ${service}: the instances that run have been allotted all of the ${ramMax} MB that they may have.`,
    { retryAfterSeconds: 5 },
  );
}
