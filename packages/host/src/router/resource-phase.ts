/** Phase of a resource's ownership. */
export type ResourcePhase =
  /** Calls wait for it, and it has no owner. */
  | "unplaced"
  /** `newResource` runs on the owner. */
  | "opening"
  /** The owner gets its calls. */
  | "open"
  /** The owner gets no more calls; those in flight finish. */
  | "handingOver"
  /** `closeResource` runs on the owner. */
  | "closing"
  /** The owner is exiting, which ends the ownership. */
  | "ownerExiting"
  /** As `ownerExiting`, while `newResource` runs there. */
  | "openerExiting";
