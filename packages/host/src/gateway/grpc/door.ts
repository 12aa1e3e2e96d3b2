import type { IncomingHttpHeaders } from "node:http2";
import {
  closedSide,
  DEFAULT_ENVIRONMENT,
  environmentOf,
  formatCallId,
  isLoopbackName,
} from "@leveros/protocol";
import { serveGrpc } from "@leveros/runtime/grpc";
import type { ServerStream } from "@leveros/runtime/http2";
import { asLeverError } from "../../logs/as-lever-error.ts";
import type { AdmittedCall, Connection } from "../admission/admit-call.ts";
import { admitHead } from "../admit-head.ts";
import { BodyReservation } from "../body-budget.ts";
import { numberCall } from "../call-marks.ts";
import type { DoorOptions } from "../door-options.ts";
import { hostName } from "../http/host-name.ts";
import { isHealthPath, serveHealth } from "./health.ts";

const GRPC = /^application\/grpc(?:\+proto)?[\t ]*(?:;|$)/i;
const REFLECTION = /^\/grpc\.reflection\.v1(?:alpha)?\.ServerReflection\/ServerReflectionInfo$/;

interface GrpcRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: Connection;
  readonly isForwarded: boolean;
}

/** True for an HTTP/2 stream that carries a gRPC call. Not among them is gRPC-Web. */
export function isGrpc(headers: IncomingHttpHeaders): boolean {
  return GRPC.test(headers["content-type"] ?? "");
}

/** Carries one gRPC call: of a method, or of a service of the gateway itself. */
export function serveGrpcStream(
  stream: ServerStream,
  request: GrpcRequest,
  options: DoorOptions,
): void {
  const { headers } = request;
  const path = headers[":path"];
  if (isHealthPath(path)) serveHealth(stream, headers, options);
  else if (REFLECTION.test(path ?? "")) {
    // Messages wait meanwhile.
    stream.pause();
    // Few hosts are asked for their descriptions, which take some megabytes to make.
    import("./reflection.ts").then(
      ({ serveReflection }) => serveReflection(stream, headers),
      (error: unknown) => {
        asLeverError(error, options.log, "gateway");
        stream.destroy();
      },
    );
  } else serveGrpcCall(stream, request, options);
}

/** Carries one call of a method. The runtime has the protocol, because instances accept gRPC calls, too; admission is here. */
function serveGrpcCall(stream: ServerStream, request: GrpcRequest, options: DoorOptions): void {
  const { router, limits, budget, replies, log } = options;
  const reservation = new BodyReservation(budget);
  const call = numberCall(request.headers, limits);
  serveGrpc(stream, request.headers, {
    admit({ target: named, isStream, timeoutMs: askedMs }) {
      const environment = environmentOf(named.environment);
      const target = environment === named.environment ? named : { ...named, environment };
      let admitted: AdmittedCall;
      try {
        admitted = admitHead(options, { door: "grpc", target, request, isStream, askedMs });
      } catch (error) {
        throw asLeverError(error, log, "gateway");
      }
      return ({ kind, bytes: body }, listener, hasMore) => {
        try {
          return router.open({ ...admitted, ...call, kind, body }, listener, hasMore);
        } catch (error) {
          listener.onAbort(asLeverError(error, log, "gateway"));
          return closedSide;
        }
      };
    },
    hold: (bytes) => reservation.hold(bytes),
    onClose: () => reservation.release(),
    environment: environmentOfRelativeUrl(request.headers),
    call: formatCallId(call.number),
    namesCall: call.isSampled,
    onUnread: (waiting) => replies.hold(waiting),
    limits,
  });
}

/** On a loopback name, a URL without an environment means the default one. Few callers send such a URL. */
function environmentOfRelativeUrl(headers: IncomingHttpHeaders): string | undefined {
  if (headers["lever-url"]?.[0] !== "/") return undefined;
  return isLoopbackName(hostName(headers) ?? "") ? DEFAULT_ENVIRONMENT : undefined;
}
