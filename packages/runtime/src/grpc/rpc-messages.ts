import {
  decodeValue,
  encodeJson,
  jsonExcess,
  LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type Payload,
} from "@leveros/protocol";
import protobuf from "protobufjs/minimal.js";
import { endOfMessage, readArray, readJson, writeArray, writeJson } from "./json-message.ts";
import { frameMessage } from "./message-reader.ts";

/*
 * Encodes and decodes the gRPC messages RPC, RPCReply and StreamMessage. Each contains exactly one of its fields: the field
 * is the type of the message, its value the payload.
 */

/** A decoded RPCReply. */
export type Reply = { readonly type: "result" | "error"; readonly payload: Payload };

/** A decoded StreamMessage. The server's first one is `empty`. */
export type StreamMessage =
  | { readonly type: "rpc" | "message" | "error"; readonly payload: Payload }
  | { readonly type: "empty" };

// Every field is length-delimited, so its tag is field number × 8 + 2.
const tag = (field: number): number => field * 8 + 2;

/** Encodes the decoded arguments of a call as an RPC message. */
export function encodeRpc(args: readonly unknown[]): Uint8Array {
  const writer = protobuf.Writer.create();
  writeRpc(writer, args);
  return writer.finish();
}

/** @throws Error when the bytes are not an RPC message. */
export function decodeRpc(bytes: Uint8Array): Payload {
  const reader = protobuf.Reader.create(bytes);
  return readRpc(reader, bytes.length);
}

export function encodeReply(reply: Reply): Uint8Array {
  const writer = protobuf.Writer.create();
  writeValue(writer, reply.payload, reply.type === "result" ? 1 : 3);
  return writer.finish();
}

/** @throws Error when the bytes are not an RPCReply message. */
export function decodeReply(bytes: Uint8Array): Reply {
  const reader = protobuf.Reader.create(bytes);
  const end = bytes.length;
  let reply: Reply = { type: "result", payload: jsonPayload(null) };
  while (reader.pos < end) {
    const found = reader.uint32();
    if (found === tag(1)) reply = { type: "result", payload: readValue(reader, end) };
    else if (found === tag(2)) reply = { type: "result", payload: bytesPayload(reader.bytes()) };
    else if (found === tag(3)) reply = { type: "error", payload: readValue(reader, end) };
    else if (found === tag(4)) reply = { type: "error", payload: bytesPayload(reader.bytes()) };
    else reader.skipType(found & 7);
  }
  return reply;
}

export function encodeStreamMessage(message: StreamMessage): Uint8Array {
  const writer = protobuf.Writer.create();
  switch (message.type) {
    case "empty":
      break;
    case "rpc":
      writer.uint32(tag(1)).fork();
      writeRpc(writer, readArguments(message.payload));
      writer.ldelim();
      break;
    case "message":
      writeValue(writer, message.payload, 2);
      break;
    case "error":
      writeValue(writer, message.payload, 4);
      break;
  }
  return writer.finish();
}

/** The gRPC frame of a StreamMessage that consists of so many bytes, up to these bytes. */
export function frameBytesHead(length: number): Uint8Array {
  const field = protobuf.Writer.create().uint32(tag(3)).uint32(length).finish();
  const head = frameMessage(field);
  head.writeUInt32BE(field.length + length, 1);
  return head;
}

/** @throws Error when the bytes are not a StreamMessage. */
export function decodeStreamMessage(bytes: Uint8Array): StreamMessage {
  const reader = protobuf.Reader.create(bytes);
  const end = bytes.length;
  let message: StreamMessage = { type: "empty" };
  while (reader.pos < end) {
    const found = reader.uint32();
    if (found === tag(1)) {
      message = { type: "rpc", payload: readRpc(reader, endOfMessage(reader, end)) };
    } else if (found === tag(2)) message = { type: "message", payload: readValue(reader, end) };
    else if (found === tag(3)) message = { type: "message", payload: bytesPayload(reader.bytes()) };
    else if (found === tag(4)) message = { type: "error", payload: readValue(reader, end) };
    else if (found === tag(5)) message = { type: "error", payload: bytesPayload(reader.bytes()) };
    else reader.skipType(found & 7);
  }
  return message;
}

function writeRpc(writer: protobuf.Writer, args: readonly unknown[]): void {
  const [only] = args;
  if (args.length === 1 && only instanceof Uint8Array) {
    writer.uint32(tag(2)).bytes(only);
    return;
  }
  writer.uint32(tag(1)).fork();
  writeArray(writer, args);
  writer.ldelim();
}

function readArguments({ kind, bytes }: Payload): readonly unknown[] {
  if (kind === PAYLOAD_BYTES) return [bytes];
  const values = readValueText(bytes);
  return Array.isArray(values) ? values : [values];
}

function readRpc(reader: protobuf.Reader, end: number): Payload {
  let args = jsonPayload([]);
  while (reader.pos < end) {
    const found = reader.uint32();
    if (found === tag(1)) args = jsonPayload(readArray(reader, endOfMessage(reader, end)));
    else if (found === tag(2)) args = bytesPayload(reader.bytes());
    else reader.skipType(found & 7);
  }
  return args;
}

/** Writes a value: JSON in field `jsonField`, bytes in the next one. */
function writeValue(writer: protobuf.Writer, payload: Payload, jsonField: number): void {
  if (payload.kind === PAYLOAD_BYTES) {
    writer.uint32(tag(jsonField + 1)).bytes(payload.bytes);
    return;
  }
  writer.uint32(tag(jsonField)).fork();
  writeJson(writer, readValueText(payload.bytes));
  writer.ldelim();
}

function readValue(reader: protobuf.Reader, end: number): Payload {
  return jsonPayload(readJson(reader, endOfMessage(reader, end)));
}

function jsonPayload(value: unknown): Payload {
  return { kind: PAYLOAD_JSON, bytes: encodeJson(value) };
}

function bytesPayload(bytes: Uint8Array): Payload {
  return { kind: PAYLOAD_BYTES, bytes };
}

function readValueText(bytes: Uint8Array): unknown {
  const excess = jsonExcess(bytes);
  if (excess !== undefined) {
    throw new LeverError("malformed_request", `Cannot send the value over gRPC: it ${excess}.`);
  }
  return decodeValue(PAYLOAD_JSON, bytes);
}
