import { type LeverError, PAYLOAD_BYTES, PAYLOAD_JSON, type PayloadKind } from "@leveros/protocol";

/** Writes the messages of a streaming method into an HTTP response. */
export interface StreamFormat {
  readonly contentType: string;
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
  message: (kind, bytes) => (kind === PAYLOAD_JSON ? Buffer.concat([bytes, NEWLINE]) : undefined),
  methodError: (kind, bytes) => Buffer.from(`{"error":${valueText(kind, bytes)}}\n`),
  platformError: (error) => Buffer.from(`${JSON.stringify({ error: error.toProblem() })}\n`),
  end: undefined,
};

/** The messages' bytes without separators. */
export const rawBytes: StreamFormat = {
  contentType: "application/octet-stream",
  message: (kind, bytes) => (kind === PAYLOAD_BYTES ? bytes : undefined),
  methodError: () => undefined,
  platformError: () => undefined,
  end: undefined,
};

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): `message` with JSON, `bytes`
 * with base64, and as the last one `end`, `error` (the method's) or `problem` (Lever's).
 */
export const serverSentEvents: StreamFormat = {
  contentType: "text/event-stream",
  message: (kind, bytes) =>
    kind === PAYLOAD_JSON
      ? event("message", Buffer.from(bytes).toString())
      : event("bytes", Buffer.from(bytes).toString("base64")),
  methodError: (kind, bytes) => event("error", valueText(kind, bytes)),
  platformError: (error) => event("problem", JSON.stringify(error.toProblem())),
  end: event("end", ""),
};

/** A value as one line of JSON: JSON as it is, bytes as a string of base64. */
function valueText(kind: PayloadKind, bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes);
  return kind === PAYLOAD_JSON ? buffer.toString() : JSON.stringify(buffer.toString("base64"));
}

function event(name: string, data: string): Uint8Array {
  // JSON of a foreign service may have line breaks, and each would end the field.
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return Buffer.from(`event: ${name}\n${lines.join("")}\n`);
}
