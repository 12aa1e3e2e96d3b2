import {
  type CallListener,
  type CallRequest,
  callDeadline,
  type Limits,
  type LinkedSide,
  type OpenCalls,
} from "@leveros/protocol";
import type { Log } from "../logs/log.ts";
import { nextCallNumber } from "./call-numbers.ts";
import { type ChainLink, isChainLink, type RoutedRequest } from "./chain-link.ts";
import { type ForwardOptions, forwardCall } from "./forward-call.ts";

/** Serves the calls that an instance of a service makes. `openCalls`: those that the instance has. Default: none. */
export type ServeInstanceCall = (
  caller: { readonly environment: string; readonly service: string },
  request: CallRequest,
  side: LinkedSide,
  openCalls?: OpenCalls,
) => CallListener;

/**
 * Passes the calls of instances on to a target. The caller is the service that the link belongs to, whatever the request
 * says. Without an environment, a call goes to the instance's own.
 */
export function serveInstanceCalls(options: {
  readonly target: ForwardOptions["target"];
  readonly limits: Pick<Limits, "callTimeoutMs" | "callTimeoutMaxMs">;
  readonly log: Log;
}): ServeInstanceCall {
  const { limits } = options;
  const forwarding = { ...options, isTrusted: false };
  return ({ environment, service }, asked, side, openCalls) => {
    const { target, isStream, timeoutMs, kind, body, parent } = asked;
    const request: RoutedRequest = {
      caller: { kind: "service", environment, service },
      target: target.environment === "" ? { ...target, environment } : target,
      isStream,
      timeoutMs: callDeadline({ askedMs: timeoutMs, isStreaming: isStream }, limits),
      kind,
      body,
      number: nextCallNumber(),
      parentCall: openCalls && findParent(openCalls, parent),
    };
    return forwardCall(request, side, forwarding);
  };
}

/**
 * The call in whose course an instance makes another. Without a valid number it may be any that the instance has: programs
 * name none. Then it counts as the deepest one, so that no chain is without an end. undefined = the instance has none.
 */
function findParent(openCalls: OpenCalls, id: number | undefined): ChainLink | undefined {
  const named = id === undefined ? undefined : openCalls.listenerOf(id);
  if (isChainLink(named)) return named;
  let deepest: ChainLink | undefined;
  for (const listener of openCalls.listeners()) {
    if (isChainLink(listener) && listener.depth > (deepest?.depth ?? 0)) deepest = listener;
  }
  return deepest;
}
