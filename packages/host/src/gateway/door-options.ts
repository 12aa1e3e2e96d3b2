import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { CallRouter } from "../router/call.ts";
import type { Admission } from "./admission/admit-call.ts";
import type { BodyBudget } from "./body-budget.ts";
import type { GatewayLimits } from "./gateway-limits.ts";
import type { Readiness } from "./platform/readiness.ts";
import type { FileCache } from "./sites/files/file-cache.ts";
import type { UnreadReplies } from "./unread-replies.ts";

/** The things that all doors of a gateway share. */
export interface DoorOptions {
  readonly admission: Admission;
  readonly router: CallRouter;
  readonly limits: GatewayLimits;
  readonly budget: BodyBudget;
  readonly replies: UnreadReplies;
  readonly files: FileCache;
  readonly readiness: Readiness;
  /** Callers use TLS. */
  readonly isSecure: boolean;
  /** Aborted when the host begins to stop, or the gateway closes. */
  readonly closing: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
}
