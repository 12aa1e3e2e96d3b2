import { LeverError } from "@leveros/protocol";
import type { Log } from "./log.ts";
import type { Part } from "./parts.ts";
import { isDiskFull } from "./system-reason.ts";

/**
 * The error that a caller gets. An unexpected error is logged here with its stack. Its text stays on the host: it may
 * hold secrets.
 */
export function asLeverError(error: unknown, log: Log, part: Part): LeverError {
  if (error instanceof LeverError) return error;
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log("error", part, "request failed", { reason });
  if (isDiskFull(error)) {
    const full = "Cannot carry the call: the disk of Lever's host is full.";
    return new LeverError("unavailable", full, { cause: error });
  }
  const message = "Cannot carry the call: Lever failed. Its log has the reason.";
  return new LeverError("internal", message, { cause: error });
}
