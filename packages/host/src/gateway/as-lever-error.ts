import { LeverError } from "@leveros/protocol";
import type { Log } from "../logs/log.ts";

/** The error that a caller gets. An unexpected one is logged here, and its text stays on the host: it may hold secrets. */
export function asLeverError(error: unknown, log: Log): LeverError {
  if (error instanceof LeverError) return error;
  log("error", "gateway", "request failed", { reason: String(error) });
  return new LeverError(
    "internal",
    "Cannot carry the call: Lever failed. Its log has the reason.",
    {
      cause: error,
    },
  );
}
