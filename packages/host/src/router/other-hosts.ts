import { LeverError } from "@leveros/protocol";
import type { SubmittedCall } from "./call.ts";
import type { InstanceTarget } from "./instance-target.ts";

/** Where a call goes that no instance of this host takes now. */
export type Destination =
  /** It waits for an instance of this host, or for a resource that this host may own. */
  | "here"
  /** It waits until the owner of its resource can be reached, or is over. */
  | "parked"
  /** Another host has it, or the host that passed it on has it back, or it was refused. */
  | "gone";

/** The other hosts of a cluster, as the routes of this host use them. */
export interface OtherHosts<Route> {
  /** This host may take calls of the resources that it owns. */
  mayOwn(): boolean;
  /** Decides about a call that no instance of this host takes now. @throws LeverError when no host takes it. */
  take(route: Route, call: SubmittedCall): Destination;
  /** Another host for a regular call; undefined = none is known to have a place for it. */
  choose(route: Route, call: SubmittedCall): HostTarget | undefined;
  /** Claims a resource. `route.claimed` or `route.notOwned` follows. @throws LeverError when this host may not own any now. */
  claim(route: Route, resource: string): void;
  /** The instance may own resources when this resolves. undefined = it may now. */
  prepareOwner(route: Route, owner: InstanceTarget): Promise<void> | undefined;
  /**
   * Gives a resource back. True = nothing is left to give back; else `route.notOwned` follows. `owner`: the instance that had it.
   */
  release(
    route: Route,
    owned: { readonly resource: string; readonly epoch: number },
    owner: InstanceTarget | undefined,
  ): boolean;
}

/** Another host as a target of calls. */
export interface HostTarget {
  /** It gets the call, which may be declined. */
  give(call: SubmittedCall): void;
}

/** The refusal of a call of a resource that no host may own now. */
export function resourceUnavailable(resource: string, reason: string): LeverError {
  return new LeverError(
    "resource_unavailable",
    `Cannot call the resource ${resource}: ${reason}.`,
    { retryAfterSeconds: 1 },
  );
}
