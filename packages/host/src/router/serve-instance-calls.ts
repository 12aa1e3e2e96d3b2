import {
  type CallListener,
  type CallRequest,
  callDeadline,
  type Limits,
  type LinkedSide,
  type OpenCalls,
  type TraceContext,
} from "@leveros/protocol";
import type { Log } from "../logs/log.ts";
import { nextCallNumber, traceIds } from "./call-numbers.ts";
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
    const { target, isStream, timeoutMs, kind, body } = asked;
    const parentCall = openCalls && findParent(openCalls, asked);
    const request: RoutedRequest = {
      caller: { kind: "service", environment, service },
      target: target.environment === "" ? { ...target, environment } : target,
      isStream,
      timeoutMs: callDeadline({ askedMs: timeoutMs, isStreaming: isStream }, limits),
      kind,
      body,
      number: nextCallNumber(),
      root: parentCall?.root,
      isSampled: parentCall?.isSampled,
      trace: parentCall === undefined ? asked.trace : traceWithin(parentCall, asked.trace),
      parentCall,
    };
    return forwardCall(request, side, forwarding);
  };
}

/**
 * The call in whose course an instance makes another. Without a valid number it may be any that the instance has: programs
 * name none. Then it counts as the deepest one, so that no chain is without an end. undefined = the instance has none.
 */
function findParent(
  openCalls: OpenCalls,
  { parent, trace }: Pick<CallRequest, "parent" | "trace">,
): ChainLink | undefined {
  const named = parent === undefined ? undefined : openCalls.listenerOf(parent);
  if (isChainLink(named)) return named;
  let deepest: ChainLink | undefined;
  for (const listener of openCalls.listeners()) {
    if (!isChainLink(listener)) continue;
    // Programs name the trace of the call, as they have received it.
    if (trace !== undefined && traceIds.spanId(listener.number) === trace.spanId) return listener;
    if (listener.depth > (deepest?.depth ?? 0)) deepest = listener;
  }
  return deepest;
}

/** The trace of a call that is made in the course of another one; undefined = that began at this host. */
function traceWithin(
  { trace, root, number }: ChainLink,
  asked: TraceContext | undefined,
): TraceContext | undefined {
  if (trace === undefined && asked === undefined) return undefined;
  const traceId = trace?.traceId ?? traceIds.traceId(root);
  // The program may have spans of its own in between.
  if (asked?.traceId === traceId) return asked;
  return trace === undefined ? undefined : { traceId, spanId: traceIds.spanId(number) };
}
