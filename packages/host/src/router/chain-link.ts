import type { CallListener, CallRequest, TraceContext } from "@leveros/protocol";
import type { InstanceTarget } from "./instance-target.ts";

/** One ownership of a resource of a service. */
export interface Ownership {
  /** The route of the service. */
  readonly route: object;
  readonly resource: string;
  readonly epoch: number;
}

/**
 * A call, or a hook, in whose course an instance makes further calls. The host links them by the connections and the open
 * calls that it has itself: a caller can name one of its own calls as the parent, and nothing else.
 */
export interface ChainLink {
  /** Its number (`formatCallId`). */
  readonly number: number;
  /** The number of the first call of the chain. */
  readonly root: number;
  /** Its trace is kept. */
  readonly isSampled: boolean;
  /** As `CallRequest.trace`. */
  readonly trace: TraceContext | undefined;
  /** 1 = it is made in the course of no other. */
  readonly depth: number;
  readonly parent: ChainLink | undefined;
  /** It runs on this instance now. */
  isOn(target: InstanceTarget): boolean;
  /** It has this ownership, as a call to the resource, or opens or closes it. */
  usesOwnership(ownership: Ownership): "call" | "hook" | undefined;
}

/** A call as the router gets it. */
export interface RoutedRequest extends CallRequest {
  /** The call, or the hook, in whose course it is made. */
  readonly parentCall?: ChainLink | undefined;
}

/** The first link of a chain, from its last one back, for which this is true. */
export function findInChain(
  last: ChainLink | undefined,
  isFound: (link: ChainLink) => boolean,
): ChainLink | undefined {
  let link = last;
  while (link !== undefined && !isFound(link)) link = link.parent;
  return link;
}

/** True for the listener of a call that the router has given to an instance, and of a hook. */
export function isChainLink(
  listener: CallListener | undefined,
): listener is CallListener & ChainLink {
  return listener !== undefined && "usesOwnership" in listener;
}
