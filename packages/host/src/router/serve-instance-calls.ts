import {
  type CallListener,
  type CallRequest,
  type CallTarget,
  callDeadline,
  type Limits,
  type LinkedSide,
} from "@leveros/protocol";
import type { Log } from "../logs/log.ts";
import { forwardCall } from "./forward-call.ts";

/** Serves the calls that an instance of a service makes. */
export type ServeInstanceCall = (
  caller: { readonly environment: string; readonly service: string },
  request: CallRequest,
  side: LinkedSide,
) => CallListener;

/**
 * Passes the calls of instances on to a target. The caller is the service that the link belongs to, whatever the request
 * says. Without an environment, a call goes to the instance's own.
 */
export function serveInstanceCalls(options: {
  readonly target: CallTarget;
  readonly limits: Pick<Limits, "callTimeoutMs" | "callTimeoutMaxMs">;
  readonly log: Log;
}): ServeInstanceCall {
  const { limits } = options;
  const forwarding = { ...options, isTrusted: false };
  return ({ environment, service }, { target, isStream, timeoutMs, kind, body }, side) => {
    const request: CallRequest = {
      caller: { kind: "service", environment, service },
      target: target.environment === "" ? { ...target, environment } : target,
      isStream,
      timeoutMs: callDeadline({ askedMs: timeoutMs, isStreaming: isStream }, limits),
      kind,
      body,
    };
    return forwardCall(request, side, forwarding);
  };
}
