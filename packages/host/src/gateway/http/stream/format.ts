import {
  type ErrorCode,
  encodedOnce,
  type LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import type { Message } from "../../message-writer.ts";

/** Writes the messages of a streaming method into an HTTP response. */
export interface StreamFormat {
  readonly contentType: string;
  /** Comes before the first message. */
  readonly begin: Uint8Array | undefined;
  /** undefined = this format cannot carry the message. */
  message(kind: PayloadKind, bytes: Uint8Array): Uint8Array | undefined;
  /** The method's error after the first message; undefined = only a broken connection can report it. */
  methodError(kind: PayloadKind, bytes: Uint8Array): Uint8Array | undefined;
  /** Lever's error after the first message; undefined = only a broken connection can report it. */
  platformError(error: LeverError): Uint8Array | undefined;
  /** Ends a stream that has not failed. */
  readonly end: Uint8Array | undefined;
}

const NEWLINE = Buffer.from("\n");

/** One line of JSON for each message. */
export const jsonLines: StreamFormat = {
  contentType: "application/x-ndjson",
  begin: undefined,
  message: encodedOnce((kind, bytes) =>
    kind === PAYLOAD_JSON ? Buffer.concat([bytes, NEWLINE]) : undefined,
  ),
  methodError: (kind, bytes) => Buffer.from(`{"error":${valueText(kind, bytes)}}\n`),
  platformError: (error) => Buffer.from(`${JSON.stringify({ error: error.toProblem() })}\n`),
  end: undefined,
};

/** The messages' bytes without separators. */
export const rawBytes: StreamFormat = {
  contentType: "application/octet-stream",
  begin: undefined,
  message: (kind, bytes) => (kind === PAYLOAD_BYTES ? bytes : undefined),
  methodError: () => undefined,
  platformError: () => undefined,
  end: undefined,
};

/** An `EventSource` whose connection ends connects again after this time. */
const RETRY_MS = 3_000;
/** The id of an event after which no other comes. An `EventSource` that connects again sends the last id that it has read. */
export const LAST_EVENT_ID = "lever-end";
/** A comment, for proxies that close silent connections. */
export const HEARTBEAT: Uint8Array = Buffer.from(":\n\n");
/** After these errors the caller should call again. */
const RETRIED: ReadonlySet<ErrorCode> = new Set(["unavailable", "overloaded", "instance_failed"]);

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): `message` with JSON, `bytes`
 * with base64, and as the last one `end`, `error` (the method's) or `problem` (Lever's). The last one has `LAST_EVENT_ID`,
 * unless the caller should call again.
 */
export const serverSentEvents: StreamFormat = {
  contentType: "text/event-stream",
  begin: Buffer.from(`retry: ${RETRY_MS}\n\n`),
  message: encodedOnce((kind, bytes) => messageEvent(kind, bytes)),
  methodError: (kind, bytes) => event("error", valueText(kind, bytes), LAST_EVENT_ID),
  platformError: (error) => {
    const id = RETRIED.has(error.code) ? undefined : LAST_EVENT_ID;
    return event("problem", JSON.stringify(error.toProblem()), id);
  },
  end: event("end", "", LAST_EVENT_ID),
};

const CRLF = Buffer.from("\r\n");

/** The events of messages as one chunk of a chunked response (RFC 9112, 7.1). */
export function eventChunk(messages: readonly Message[]): readonly Uint8Array[] {
  const events = messages.map(({ kind, bytes }) => messageEvent(kind, bytes));
  let length = 0;
  for (const event of events) length += event.length;
  return [Buffer.concat([Buffer.from(`${length.toString(16)}\r\n`), ...events, CRLF])];
}

function messageEvent(kind: PayloadKind, bytes: Uint8Array): Uint8Array {
  return kind === PAYLOAD_JSON
    ? event("message", Buffer.from(bytes).toString())
    : event("bytes", Buffer.from(bytes).toString("base64"));
}

/** A value as one line of JSON: JSON as it is, bytes as a string of base64. */
function valueText(kind: PayloadKind, bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes);
  return kind === PAYLOAD_JSON ? buffer.toString() : JSON.stringify(buffer.toString("base64"));
}

function event(name: string, data: string, id?: string): Uint8Array {
  // JSON of a foreign service may have line breaks, and each would end the field.
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  const idLine = id === undefined ? "" : `id: ${id}\n`;
  return Buffer.from(`${idLine}event: ${name}\n${lines.join("")}\n`);
}
