import { PAYLOAD_BYTES, PAYLOAD_JSON, type PayloadKind } from "@leveros/protocol";

/** JSON by its media type, with any parameters; everything else is bytes. */
export function payloadKind(contentType: string | undefined): PayloadKind {
  if (contentType === "application/json") return PAYLOAD_JSON;
  const isJson =
    contentType !== undefined && /^[\t ]*application\/json[\t ]*(?:;|$)/i.test(contentType);
  return isJson ? PAYLOAD_JSON : PAYLOAD_BYTES;
}

/** gRPC in any of its forms. */
export function isGrpcType(contentType: string | undefined): boolean {
  return contentType !== undefined && /^[\t ]*application\/grpc/i.test(contentType);
}
