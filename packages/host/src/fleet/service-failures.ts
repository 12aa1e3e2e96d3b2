import { LeverError } from "@leveros/protocol";
import { systemReason } from "../logs/system-reason.ts";
import { restartDelayMs } from "../processes/restart-backoff.ts";

/** The last failures of a service. A value, so that services without failures share one. */
export interface ServiceFailures {
  readonly inARow: number;
  /** No start before this moment of the host's clock. */
  readonly startAllowedAt: number;
  /** The last one since the last deploy. */
  readonly error: LeverError | undefined;
  /** Processes in a row that were lost before they ran anything of the service. They are no failures of the service. */
  readonly lostInARow: number;
}

export const NO_FAILURES: ServiceFailures = {
  inARow: 0,
  startAllowedAt: 0,
  error: undefined,
  lostInARow: 0,
};

/** As many processes may be warm, and all have been killed. */
const LOST_IN_A_ROW_MAX = 10;

/** A process was lost at its start: another is tried at once. undefined = too many were; it is a failure. */
export function addLostStart(failures: ServiceFailures): ServiceFailures | undefined {
  const lostInARow = failures.lostInARow + 1;
  return lostInARow > LOST_IN_A_ROW_MAX ? undefined : { ...failures, lostInARow };
}

/** An instance is ready. */
export function addReady(failures: ServiceFailures): ServiceFailures {
  return failures.lostInARow === 0 ? failures : { ...failures, lostInARow: 0 };
}

/** An instance that lived this long before it failed had started well. So had one that has answered a call. */
const HEALTHY_AFTER_MS = 10_000;

interface Life {
  readonly livedMs: number;
  readonly hasServed: boolean;
}

export function hasStartedWell({ livedMs, hasServed }: Life): boolean {
  return hasServed || livedMs >= HEALTHY_AFTER_MS;
}

/** F2. Failures in a row delay the next start more and more; a failure after a good start begins a new row. */
export function addFailure(
  failures: ServiceFailures,
  error: LeverError,
  of: Life & { readonly now: number },
): ServiceFailures {
  const startedWell = hasStartedWell(of);
  const inARow = startedWell ? 1 : failures.inARow + 1;
  return { inARow, startAllowedAt: of.now + restartDelayMs(inARow), error, lostInARow: 0 };
}

/** The error of a start that did not even make an instance, for callers: it has no paths of the host. */
export function asStartError(of: { service: string; version: number }, error: unknown): LeverError {
  if (error instanceof LeverError && error.code === "start_failed") return error;
  return new LeverError(
    "start_failed",
    `Cannot start ${of.service} version ${of.version}: ${preparationReason(error)}.`,
    { cause: error },
  );
}

/** Why code or data could not be prepared, as the end of a sentence and without paths of the host. */
export function preparationReason(error: unknown): string {
  const reason = systemReason(error);
  if (reason !== undefined) return `its code and data cannot be prepared, because ${reason}`;
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(QUOTED_PATH, "…").replace(PATH, "…").replace(/\.$/, "");
}

const QUOTED_PATH = /'\/[^']*'|"\/[^"]*"/g;
const PATH = /(?<![\w.~/-])\/[\w.~+-][^\s'",:;)]*/g;

/** The error of a call whose deadline passes before another instance may start. */
export function nextStartTooLate(of: { service: string }, error: LeverError): LeverError {
  const why = `Cannot wait for an instance of ${of.service}: they fail one after the other, and the next one may start only after the deadline of the call. The last error:`;
  const publicMessage = `${why} ${error.publicMessage ?? error.message}`;
  return new LeverError(error.code, `${why} ${error.message}`, { publicMessage, cause: error });
}
