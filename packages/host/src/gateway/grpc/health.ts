import type { IncomingHttpHeaders } from "node:http2";
import { LeverError } from "@leveros/protocol";
import { errorTrailers, GrpcResponse, okTrailers, readMessages } from "@leveros/runtime/grpc";
import type { ServerStream } from "@leveros/runtime/http2";
import protobuf from "protobufjs/minimal.js";
import type { DoorOptions } from "../door-options.ts";

/** The statuses of the service grpc.health.v1.Health (grpc/doc/health-checking.md). */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

const CHECK = "/grpc.health.v1.Health/Check";
const WATCH = "/grpc.health.v1.Health/Watch";

/** Bytes of one request. */
const REQUEST_BYTES_MAX = 64 * 1024;

export function isHealthPath(path: string | undefined): boolean {
  return path === CHECK || path === WATCH;
}

/** Answers whether this gateway takes calls. Everyone may ask. */
export function serveHealth(
  stream: ServerStream,
  headers: IncomingHttpHeaders,
  { closing }: Pick<DoorOptions, "closing">,
): void {
  const response = new GrpcResponse(stream);
  const isWatch = headers[":path"] === WATCH;
  const fail = (error: LeverError): void => response.end(errorTrailers(error));
  let service: string | undefined;
  const answer = (): void => {
    if (service === undefined) {
      fail(new LeverError("malformed_request", "Cannot check the health: there is no request."));
      return;
    }
    const isKnown = service === "" || service === "core.LeverRPC";
    if (!isKnown && !isWatch) {
      fail(new LeverError("unknown_service", `There is no gRPC service ${service}.`));
      return;
    }
    const status = closing.aborted ? NOT_SERVING : SERVING;
    response.send(() => encodeStatus(isKnown ? status : SERVICE_UNKNOWN));
    if (!isWatch || closing.aborted) response.end(okTrailers);
  };
  // The caller learns the end of the gateway, and the connection can end.
  const onClosing = (): void => {
    if (service !== undefined) answer();
  };
  if (isWatch) closing.addEventListener("abort", onClosing);
  readMessages(stream, readOptions(headers), {
    onRequest(bytes) {
      service ??= decodeService(bytes);
    },
    onRequestEnd: answer,
    onMalformed: fail,
    onWritable() {},
    onClose: () => closing.removeEventListener("abort", onClosing),
  });
}

/** How the requests of Lever's own gRPC services are read. */
export function readOptions(headers: IncomingHttpHeaders): Parameters<typeof readMessages>[1] {
  const encoding = headers["grpc-encoding"]?.toString();
  return { limits: { bodyBytesMax: REQUEST_BYTES_MAX }, encoding };
}

/** HealthCheckRequest: `string service = 1`. */
function decodeService(bytes: Uint8Array): string {
  const reader = protobuf.Reader.create(bytes);
  let service = "";
  while (reader.pos < bytes.length) {
    const tag = reader.uint32();
    if (tag === 10) service = reader.string();
    else reader.skipType(tag & 7);
  }
  return service;
}

/** HealthCheckResponse: `ServingStatus status = 1`. */
function encodeStatus(status: number): Uint8Array {
  return protobuf.Writer.create().uint32(8).uint32(status).finish();
}
