import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { closedSide } from "@leveros/protocol";
import { serveGrpc } from "@leveros/runtime/grpc";
import { asLeverError } from "../../logs/as-lever-error.ts";
import type { DoorOptions } from "../door-options.ts";

/** True for an HTTP/2 stream that carries a gRPC call. */
export function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers["content-type"]?.startsWith("application/grpc") === true;
}

/** Carries one gRPC call. The runtime has the protocol, because instances accept gRPC calls, too; admission is here. */
export function serveGrpcCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { admission, router, limits, replies, log }: DoorOptions,
): void {
  const request = { headers, socket: stream.session?.socket };
  serveGrpc(stream, headers, {
    open({ target, isStream, timeoutMs: askedMs, kind, body }, listener, hasMore) {
      try {
        const incoming = { door: "grpc", target, request, isStream, askedMs } as const;
        return router.open({ ...admission.admitCall(incoming), kind, body }, listener, hasMore);
      } catch (error) {
        listener.onAbort(asLeverError(error, log, "gateway"));
        return closedSide;
      }
    },
    environment: undefined,
    onUnread: (waiting) => replies.hold(waiting),
    limits,
  });
}
