import type { RuntimeLink } from "../instance-link/instance-link.ts";
import type { HealthOptions } from "../processes/process-health.ts";

/** Finds out whether calls have gone to an instance, and anything has come from it, since it was last asked. */
export class LinkActivity {
  #lastCall = 0;
  #framesReceived = 0;

  next({
    lastCall,
    framesReceived,
  }: Pick<RuntimeLink, "lastCall" | "framesReceived">): Pick<
    HealthOptions,
    "hasNewCalls" | "hasAnswered"
  > {
    const hasNewCalls = lastCall !== this.#lastCall;
    const hasAnswered = framesReceived !== this.#framesReceived;
    this.#lastCall = lastCall;
    this.#framesReceived = framesReceived;
    return { hasNewCalls, hasAnswered };
  }
}
