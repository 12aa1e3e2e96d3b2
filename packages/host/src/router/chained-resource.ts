import { LeverError } from "@leveros/protocol";
import type { SubmittedCall } from "./call.ts";
import { findInChain, type Ownership } from "./chain-link.ts";
import type { InstanceTarget } from "./instance-target.ts";
import type { ResourcePhase } from "./resource-phase.ts";

/**
 * The instance for a call to a resource whose owner takes no calls of others now, if the call is made in the course of one
 * that the owner has: the resource is handed over only when that one is over. undefined = the call may wait.
 * @throws LeverError when the call would wait for itself.
 */
export function ownerInCourse(
  { parent, resource }: SubmittedCall,
  ownership: Ownership & {
    readonly phase: ResourcePhase;
    readonly owner: InstanceTarget | undefined;
  },
): InstanceTarget | undefined {
  const { phase, owner } = ownership;
  if (owner === undefined) return undefined;
  switch (phase) {
    case "unplaced":
    case "claiming":
    case "claimed":
    case "releasing":
    case "elsewhere":
    case "open":
      return undefined;
    case "handingOver": {
      const own = findInChain(parent, (link) => link.usesOwnership(ownership) === "call");
      return own && owner;
    }
    case "opening":
    case "closing": {
      if (findInChain(parent, (link) => link.usesOwnership(ownership) === "hook") === undefined) {
        return undefined;
      }
      const hook = phase === "opening" ? "newResource" : "closeResource";
      throw new LeverError(
        "resource_failed",
        `Cannot call the resource ${resource} in the course of its ${hook}: calls to it wait until that is over.`,
      );
    }
    case "ownerExiting":
    case "openerExiting":
      if (findInChain(parent, (link) => link.isOn(owner)) === undefined) return undefined;
      throw new LeverError(
        "unavailable",
        `Cannot call the resource ${resource}: its instance is stopping, and first finishes the call in whose course this one is made.`,
        { retryAfterSeconds: 1 },
      );
  }
}
