/** Phase of a resource's ownership. */
export type ResourcePhase =
  /** Calls wait for it, and it has no owner. */
  | "unplaced"
  /** The host claims it among the hosts of its cluster. */
  | "claiming"
  /** The host has claimed it, and no instance can take it yet. */
  | "claimed"
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
  | "openerExiting"
  /** The host gives it back to the hosts of its cluster. */
  | "releasing"
  /** Another host owns it, and cannot be reached: calls wait until it can, or is over. */
  | "elsewhere";
