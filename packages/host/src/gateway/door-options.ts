import type { CallTarget, Limits } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { Admission } from "./admission/admit-call.ts";
import type { BodyBudget } from "./body-budget.ts";

/** What the doors of a gateway share. */
export interface DoorOptions {
  readonly admission: Admission;
  readonly router: CallTarget;
  readonly limits: Limits;
  readonly budget: BodyBudget;
  readonly clock: Clock;
  readonly log: Log;
}
