import type { Limits } from "@leveros/protocol";
import type { WaitingLimits } from "./waiting-calls.ts";

/** The limits that the calls of one service are held to. */
export type RouteLimits = WaitingLimits &
  Pick<
    Limits,
    | "callsPerInstanceMax"
    | "queueStandingMs"
    | "queueWaitTargetMs"
    | "resourcesPerServiceMax"
    | "resourceIdleTimeoutMs"
    | "resourceHookTimeoutMs"
  >;
