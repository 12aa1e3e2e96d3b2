// One file, although long: the head is written and read side by side.

import {
  type Caller,
  type CallRequest,
  LOG_READER,
  OUTSIDE,
  PASS_MARKS,
  type PassedOn,
} from "../call.ts";
import { LeverError } from "../errors.ts";
import type { LeverUrl } from "../lever-url.ts";
import type { TraceContext } from "../trace-ids.ts";
import { LINK_VERSION } from "./link-version.ts";

/**
 * The head of an OPEN frame, before the first chunk of arguments:
 *
 *     u8 link version | u8 kind of caller | 6 × u16 name length | u32 timeout in ms | u64 number of the call | names
 *
 * The names, in UTF-8: two of the caller (environment and service, or principal and nothing, or neither), then the
 * target's environment, service, resource and method. Flags of the kind of caller say what follows: the number of the
 * parent on the link, a u32; the number of the first call of the chain, a u64; the ids of its trace, 16 and 8 bytes; the
 * mark of a call that a host has passed on, and its depth, a byte each.
 */
export interface CallHeader {
  readonly caller: Caller;
  readonly target: LeverUrl;
  readonly timeoutMs: number;
  /** As in `CallRequest`; 0 = it has none. */
  readonly number?: number | undefined;
  readonly isSampled?: boolean | undefined;
  readonly root?: number | undefined;
  readonly trace?: TraceContext | undefined;
  readonly parent?: number | undefined;
  readonly passedOn?: PassedOn | undefined;
}

const PARENT_BYTES = 4;
const ROOT_BYTES = 8;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
const PASSED_BYTES = 2;
const OPTIONAL_BYTES: number =
  PARENT_BYTES + ROOT_BYTES + TRACE_ID_BYTES + SPAN_ID_BYTES + PASSED_BYTES;
const LENGTHS_AT = 2;
const TIMEOUT_AT: number = LENGTHS_AT + 6 * 2;
const NUMBER_AT: number = TIMEOUT_AT + 4;
const FIXED_BYTES: number = NUMBER_AT + 8;
/** Limit of one name: the most that an HTTP request line can bring. */
const NAME_BYTES_MAX = 16 * 1024;
/** The largest head. */
export const OPENING_BYTES_MAX: number = FIXED_BYTES + 6 * NAME_BYTES_MAX + OPTIONAL_BYTES;

const CALLER_OUTSIDE = 0;
const CALLER_ADMIN = 1;
const CALLER_SERVICE = 2;
const CALLER_LOG_READER = 3;
/** Flags in the byte of the kind. */
const HAS_PARENT = 128;
const IS_SAMPLED = 64;
const HAS_ROOT = 32;
const HAS_TRACE = 16;
const IS_PASSED_ON = 4;
const FLAGS: number = HAS_PARENT | IS_SAMPLED | HAS_ROOT | HAS_TRACE | IS_PASSED_ON;
const U32 = 2 ** 32;

/** Short names are encoded here: a buffer for each call would cost more than its names. */
const scratch = new Uint8Array(4 * 1024);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Encodes the head; the body follows it in the frame. The result is valid until the next call.
 * @throws LeverError `malformed_request` for a name that is too long.
 */
export function encodeHeader({
  caller,
  target,
  timeoutMs,
  number = 0,
  isSampled,
  root,
  trace,
  parent,
  passedOn,
}: Pick<CallRequest, keyof CallHeader>): Uint8Array {
  const { environment, service, resource, method } = target;
  let kind = CALLER_OUTSIDE;
  let first = "";
  let second = "";
  if (caller.kind === "service") {
    kind = CALLER_SERVICE;
    first = caller.environment;
    second = caller.service;
  } else if (caller.kind === "admin") {
    kind = CALLER_ADMIN;
    first = caller.principal;
  } else if (caller.mayReadLogs) kind = CALLER_LOG_READER;
  const units =
    first.length +
    second.length +
    environment.length +
    service.length +
    resource.length +
    method.length;
  // One UTF-16 unit is at most three bytes of UTF-8.
  const bytesMax = FIXED_BYTES + units * 3 + OPTIONAL_BYTES;
  const bytes = bytesMax <= scratch.length ? scratch : new Uint8Array(bytesMax);
  bytes[0] = LINK_VERSION;
  if (parent !== undefined) kind |= HAS_PARENT;
  if (root !== undefined) kind |= HAS_ROOT;
  if (trace !== undefined) kind |= HAS_TRACE;
  if (passedOn !== undefined) kind |= IS_PASSED_ON;
  bytes[1] = isSampled === true ? kind | IS_SAMPLED : kind;
  writeNumber(bytes, TIMEOUT_AT, Math.min(timeoutMs, U32 - 1));
  writeNumber(bytes, NUMBER_AT, number);
  writeNumber(bytes, NUMBER_AT + 4, number / U32);
  let offset = FIXED_BYTES;
  offset = writeName(bytes, 0, offset, first);
  offset = writeName(bytes, 1, offset, second);
  offset = writeName(bytes, 2, offset, environment);
  offset = writeName(bytes, 3, offset, service);
  offset = writeName(bytes, 4, offset, resource);
  offset = writeName(bytes, 5, offset, method);
  if (parent !== undefined) {
    writeNumber(bytes, offset, parent);
    offset += PARENT_BYTES;
  }
  if (root !== undefined) {
    writeNumber(bytes, offset, root);
    writeNumber(bytes, offset + 4, root / U32);
    offset += ROOT_BYTES;
  }
  if (trace !== undefined) offset = writeHex(bytes, offset, trace.traceId + trace.spanId);
  if (passedOn !== undefined) {
    bytes[offset] = PASS_MARKS.indexOf(passedOn.mark);
    bytes[offset + 1] = Math.min(passedOn.depth, 255);
    offset += PASSED_BYTES;
  }
  return bytes.subarray(0, offset);
}

/** @throws Error when the payload does not begin with a head of this version. */
export function decodeOpening(payload: Uint8Array): { header: CallHeader; body: Uint8Array } {
  if (payload.length < FIXED_BYTES) throw new Error("Cannot read an opening: it is too short.");
  if (payload[0] !== LINK_VERSION) {
    throw new Error(
      `Cannot read an opening: its version is ${payload[0]}; this side reads version ${LINK_VERSION}.`,
    );
  }
  const names = new NameReader(payload);
  const first = names.next(0);
  const second = names.next(1);
  const kind = byteAt(payload, 1);
  const header = {
    caller: callerOf(kind & ~FLAGS, first, second),
    target: {
      environment: names.next(2),
      service: names.next(3),
      resource: names.next(4),
      method: names.next(5),
    },
    timeoutMs: readNumber(payload, TIMEOUT_AT),
    number: readNumber(payload, NUMBER_AT) + readNumber(payload, NUMBER_AT + 4) * U32,
    isSampled: (kind & IS_SAMPLED) !== 0,
    parent: kind & HAS_PARENT ? names.u32() : undefined,
    root: kind & HAS_ROOT ? names.u32() + names.u32() * U32 : undefined,
    trace: kind & HAS_TRACE ? names.trace() : undefined,
    passedOn: kind & IS_PASSED_ON ? names.passedOn() : undefined,
  };
  return { header, body: payload.subarray(names.offset) };
}

function callerOf(kind: number | undefined, first: string, second: string): Caller {
  switch (kind) {
    case CALLER_OUTSIDE:
      return OUTSIDE;
    case CALLER_LOG_READER:
      return LOG_READER;
    case CALLER_ADMIN:
      return { kind: "admin", principal: first };
    case CALLER_SERVICE:
      return { kind: "service", environment: first, service: second };
    default:
      throw new Error(`Cannot read an opening: there is no kind of caller ${kind}.`);
  }
}

function writeNumber(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

/** Returns where the next field begins. */
function writeHex(bytes: Uint8Array, offset: number, text: string): number {
  for (let i = 0; i < text.length; i += 2) {
    bytes[offset + i / 2] = Number.parseInt(text.slice(i, i + 2), 16);
  }
  return offset + text.length / 2;
}

function readNumber(bytes: Uint8Array, offset: number): number {
  const low = byteAt(bytes, offset) | (byteAt(bytes, offset + 1) << 8);
  const high = (byteAt(bytes, offset + 2) << 16) | (byteAt(bytes, offset + 3) << 24);
  return (low | high) >>> 0;
}

/** Returns where the next name begins. */
function writeName(bytes: Uint8Array, index: number, offset: number, name: string): number {
  const length = writeText(bytes, offset, name);
  if (length > NAME_BYTES_MAX) {
    throw new LeverError(
      "malformed_request",
      `Cannot make the call: a name of ${length} bytes in its URL is over the limit of ${NAME_BYTES_MAX}.`,
    );
  }
  bytes[LENGTHS_AT + 2 * index] = length;
  bytes[LENGTHS_AT + 2 * index + 1] = length >>> 8;
  return offset + length;
}

/** Names are nearly always short and ASCII, where a loop beats the encoder. */
function writeText(bytes: Uint8Array, offset: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return encoder.encodeInto(text, bytes.subarray(offset)).written;
    bytes[offset + i] = unit;
  }
  return text.length;
}

/** The names that were read last. Calls repeat them, and a repeated name needs no new string. */
const lastNames: string[] = ["", "", "", "", "", ""];
/** Longer names are not kept. */
const KEPT_LENGTH_MAX = 256;

class NameReader {
  readonly #payload: Uint8Array;
  offset: number = FIXED_BYTES;

  constructor(payload: Uint8Array) {
    this.#payload = payload;
  }

  next(index: number): string {
    const payload = this.#payload;
    const lengthAt = LENGTHS_AT + 2 * index;
    const start = this.offset;
    const end = start + (byteAt(payload, lengthAt) | (byteAt(payload, lengthAt + 1) << 8));
    if (end > payload.length) {
      throw new Error("Cannot read an opening: a name runs past its end.");
    }
    this.offset = end;
    if (start === end) return "";
    const last = lastNames[index] ?? "";
    if (isSameText(payload, start, end, last)) return last;
    const name = readText(payload, start, end);
    if (name.length <= KEPT_LENGTH_MAX) lastNames[index] = name;
    return name;
  }

  /** The next number behind the names. */
  u32(): number {
    return readNumber(this.#payload, this.#take(4));
  }

  trace(): TraceContext {
    return { traceId: this.#hex(TRACE_ID_BYTES), spanId: this.#hex(SPAN_ID_BYTES) };
  }

  passedOn(): PassedOn {
    const start = this.#take(PASSED_BYTES);
    const mark = PASS_MARKS[byteAt(this.#payload, start)];
    if (mark === undefined) throw new Error("Cannot read an opening: its mark is unknown.");
    return { mark, depth: byteAt(this.#payload, start + 1) };
  }

  #hex(bytes: number): string {
    const start = this.#take(bytes);
    let text = "";
    for (let i = start; i < start + bytes; i++) {
      text += byteAt(this.#payload, i).toString(16).padStart(2, "0");
    }
    return text;
  }

  #take(bytes: number): number {
    const start = this.offset;
    this.offset += bytes;
    if (this.offset > this.#payload.length) {
      throw new Error("Cannot read an opening: what follows its names runs past its end.");
    }
    return start;
  }
}

const byteAt = (bytes: Uint8Array, index: number): number => bytes[index] ?? 0;

/** True when the bytes are this text, in ASCII. */
function isSameText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) {
    const byte = byteAt(bytes, start + i);
    if (byte > 127 || byte !== text.charCodeAt(i)) return false;
  }
  return true;
}

function readText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) {
    const unit = byteAt(bytes, i);
    if (unit > 127) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(unit);
  }
  return text;
}
