import {
  type CallHandle,
  type CallListener,
  type CallOpening,
  isStreamingName,
  LeverError,
  type PayloadKind,
} from "@leveros/protocol";
import type { Caller, CallRouter } from "./router.ts";

/**
 * Passes a call that an instance makes over its link on to the router, with backpressure both ways. Who calls is given
 * by the link; the opening says only who is called.
 */
export function bridgeCall(
  router: Pick<CallRouter, "call">,
  caller: Caller,
  options: { opening: CallOpening; side: CallHandle; timeoutMs: number },
): CallListener {
  const { opening, side } = options;
  const { isStream } = opening;
  const url = {
    environment: opening.environment === "" ? caller.environment : opening.environment,
    service: opening.service,
    resource: opening.resource,
    method: opening.method,
  };
  const replies: CallListener = {
    onMessage(kind: PayloadKind, bytes: Uint8Array) {
      // A regular call has one reply, so its end can go in the same frame.
      if (!side.send(kind, bytes, !isStream)) callee?.pause();
    },
    onEnd() {
      side.end();
      // What the caller still says has no reader, and is let pass so that it ends.
      if (isStream) side.resume();
    },
    onFail: (kind, bytes) => side.fail(kind, bytes),
    onAbort: (error) => side.abort(error),
    onDrain: () => side.resume(),
  };
  let callee: CallHandle | undefined;
  const request = {
    url,
    caller,
    isStream,
    timeoutMs:
      opening.timeoutMs === 0 && !isStreamingName(url.method)
        ? options.timeoutMs
        : opening.timeoutMs,
    kind: opening.kind,
    body: opening.body,
    // Of a regular call everything is here; its half-close is on the way.
    hasMore: isStream,
  };
  callee = router.call(request, replies);
  return {
    onMessage(kind, bytes) {
      if (isStream && !callee.send(kind, bytes)) side.pause();
    },
    onEnd: () => callee.end(),
    onFail: () => callee.abort(new LeverError("cancelled", "The caller failed and left.")),
    onAbort: () => callee.abort(new LeverError("cancelled", "The caller left.")),
    onDrain: () => callee.resume(),
  };
}
