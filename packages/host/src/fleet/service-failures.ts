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
}

export const NO_FAILURES: ServiceFailures = { inARow: 0, startAllowedAt: 0, error: undefined };

/** An instance that lived this long before it failed had started well. So had one that has answered a call. */
const HEALTHY_AFTER_MS = 10_000;

/** F2. Failures in a row delay the next start more and more; a failure after a good start begins a new row. */
export function addFailure(
  failures: ServiceFailures,
  error: LeverError,
  of: { readonly now: number; readonly livedMs: number; readonly hasServed: boolean },
): ServiceFailures {
  const startedWell = of.hasServed || of.livedMs >= HEALTHY_AFTER_MS;
  const inARow = startedWell ? 1 : failures.inARow + 1;
  return { inARow, startAllowedAt: of.now + restartDelayMs(inARow), error };
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
