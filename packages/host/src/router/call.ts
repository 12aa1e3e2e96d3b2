import type { CallTarget, Declined, LeverError, PassMark } from "@leveros/protocol";
import type { ChainLink, RoutedRequest } from "./chain-link.ts";
import type { EnvironmentAccess } from "./environment-access.ts";
import type { Lease } from "./lease.ts";
import type { Sites } from "./sites.ts";

/** The router as a gateway uses it: the host's own, or in a worker the link to it. */
export interface CallRouter extends CallTarget {
  readonly sites: Sites;
  environment(name: string): { readonly access: EnvironmentAccess } | undefined;
  /** The reason why `open` would refuse a call. Doors ask before they read a body. undefined = none. */
  refusal(call: CallHead): LeverError | undefined;
}

/** The parts of a call that its head has. */
export type CallHead = Pick<
  RoutedRequest,
  "caller" | "target" | "isStream" | "parentCall" | "passedOn"
>;

/** A call as its route sees it: it waits for an instance, or has a place on one. */
export interface SubmittedCall extends ChainLink {
  readonly bodyBytes: number;
  /** `""` when it names none. */
  readonly resource: string;
  readonly isStream: boolean;
  /** An HTTP request for the service's `fetch`. Absent = it is not. */
  readonly isRequest?: boolean;
  readonly isOver: boolean;
  /** By the router's clock. Infinity = it has none. */
  readonly deadlineAt: number;
  /** How another host has passed it on. undefined = it came in at this host. */
  readonly passMark: PassMark | undefined;
  /** Hosts that have declined it. */
  readonly declines: number;
  /** It has waited at this host. */
  readonly hasWaited: boolean;
  /** No instance can take it at `now`: it waits. */
  wait(now: number): void;
  /** An instance takes it now. The call ends the lease, once. */
  assign(lease: Lease): void;
  /** Ends it with Lever's error, whether it waits or has a place. */
  refuse(error: LeverError): void;
  /** Gives it back to the host that has passed it on. Nothing of it has run. */
  decline(declined: Declined): void;
}
