import { LeverError } from "@leveros/protocol";
import type protobuf from "protobufjs/minimal.js";

/*
 * Converts between the gRPC message JSON (docs/guide/services.md, "Services in other languages") and plain values. Written
 * by hand with the library's reader and writer: one pass over the value, without an object for each of its messages.
 */

/** Deeper nested values could exhaust the stack of either side. */
const DEPTH_MAX = 500;

// Tags: field number × 8 + wire type.
const JSON_STRING = 10;
const JSON_NUMBER = 17;
const JSON_BOOL = 24;
const JSON_OBJECT = 34;
const JSON_ARRAY = 42;
const OBJECT_PROPERTY = 10;
const ARRAY_ELEMENT = 10;
const PROPERTY_NAME = 10;
const PROPERTY_VALUE = 18;

/** Writes the fields of a JSON message: none for null. @throws LeverError `malformed_request` for too deep nesting. */
export function writeJson(writer: protobuf.Writer, value: unknown, depth = 0): void {
  switch (typeof value) {
    case "string":
      writer.uint32(JSON_STRING).string(value);
      return;
    case "number":
      writer.uint32(JSON_NUMBER).double(value);
      return;
    case "boolean":
      writer.uint32(JSON_BOOL).bool(value);
      return;
    default:
      if (typeof value !== "object" || value === null) return;
  }
  if (depth >= DEPTH_MAX) throw tooDeep();
  if (Array.isArray(value)) {
    writer.uint32(JSON_ARRAY).fork();
    writeArray(writer, value, depth + 1);
    writer.ldelim();
    return;
  }
  writer.uint32(JSON_OBJECT).fork();
  for (const [name, property] of Object.entries(value)) {
    writer.uint32(OBJECT_PROPERTY).fork().uint32(PROPERTY_NAME).string(name);
    writer.uint32(PROPERTY_VALUE).fork();
    writeJson(writer, property, depth + 1);
    writer.ldelim().ldelim();
  }
  writer.ldelim();
}

/** Writes the fields of a JSONArray message. */
export function writeArray(writer: protobuf.Writer, values: readonly unknown[], depth = 0): void {
  for (const value of values) {
    writer.uint32(ARRAY_ELEMENT).fork();
    writeJson(writer, value, depth);
    writer.ldelim();
  }
}

/** Reads a JSON message that ends at `end`. @throws Error when it is malformed. */
export function readJson(reader: protobuf.Reader, end: number, depth = 0): unknown {
  let value: unknown = null;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag) {
      case JSON_STRING:
        value = reader.string();
        break;
      case JSON_NUMBER:
        value = reader.double();
        break;
      case JSON_BOOL:
        value = reader.bool();
        break;
      case JSON_OBJECT:
        value = readObject(reader, endOfMessage(reader, end), depth + 1);
        break;
      case JSON_ARRAY:
        value = readArray(reader, endOfMessage(reader, end), depth + 1);
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  return value;
}

/** Reads a JSONArray message that ends at `end`. */
export function readArray(reader: protobuf.Reader, end: number, depth = 0): unknown[] {
  if (depth > DEPTH_MAX) throw tooDeep();
  const values: unknown[] = [];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === ARRAY_ELEMENT) values.push(readJson(reader, endOfMessage(reader, end), depth));
    else reader.skipType(tag & 7);
  }
  return values;
}

function readObject(reader: protobuf.Reader, end: number, depth: number): unknown {
  if (depth > DEPTH_MAX) throw tooDeep();
  // Every name becomes an own property, also `__proto__`.
  const properties: [string, unknown][] = [];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === OBJECT_PROPERTY) {
      properties.push(readProperty(reader, endOfMessage(reader, end), depth));
    } else {
      reader.skipType(tag & 7);
    }
  }
  return Object.fromEntries(properties);
}

function readProperty(reader: protobuf.Reader, end: number, depth: number): [string, unknown] {
  let name = "";
  let value: unknown = null;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === PROPERTY_NAME) name = reader.string();
    else if (tag === PROPERTY_VALUE) value = readJson(reader, endOfMessage(reader, end), depth);
    else reader.skipType(tag & 7);
  }
  return [name, value];
}

/** The end of the message that starts here, within the message that contains it. @throws Error when it is beyond. */
export function endOfMessage(reader: protobuf.Reader, outerEnd: number): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > outerEnd)
    throw new Error("Cannot read a message: it is longer than the message that contains it.");
  return end;
}

function tooDeep(): LeverError {
  return new LeverError(
    "malformed_request",
    `Cannot send the value over gRPC: it is nested deeper than ${DEPTH_MAX} levels.`,
  );
}
