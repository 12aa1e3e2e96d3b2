import type { LeverError } from "@leveros/protocol";
import { type Outcome, outcomes } from "../metrics/outcome.ts";

/** How a call has ended that ended with this error. */
export function outcomeOf({ code, grpcStatus }: Pick<LeverError, "code" | "grpcStatus">): Outcome {
  // The program of an `entry` service has failed the call.
  if (grpcStatus !== undefined) return outcomes.error;
  switch (code) {
    case "cancelled":
      return outcomes.cancelled;
    case "deadline_exceeded":
      return outcomes.timeout;
    case "unavailable":
    case "resource_unavailable":
      return outcomes.unavailable;
    case "instance_failed":
    case "start_failed":
    case "resource_failed":
    case "internal":
      return outcomes.crashed;
    case "method_failed":
      return outcomes.error;
    default:
      return outcomes.refused;
  }
}
