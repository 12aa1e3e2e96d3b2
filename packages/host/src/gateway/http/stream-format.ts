import { type LeverError, PAYLOAD_BYTES, PAYLOAD_JSON, type PayloadKind } from "@leveros/protocol";

/** How the messages of a streaming method are written into an HTTP response. */
export interface StreamFormat {
  readonly contentType: string;
  /** A message; undefined = this format cannot carry it. */
  message(kind: PayloadKind, bytes: Uint8Array): Uint8Array | undefined;
  /** What the method failed with, after its first message; undefined = only a connection that breaks off can say so. */
  methodError(kind: PayloadKind, bytes: Uint8Array): Uint8Array | undefined;
  platformError(error: LeverError): Uint8Array | undefined;
  /** What comes last, when the stream ends well. */
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

/** The messages' bytes as they are. */
export const rawBytes: StreamFormat = {
  contentType: "application/octet-stream",
  message: (kind, bytes) => (kind === PAYLOAD_BYTES ? bytes : undefined),
  methodError: () => undefined,
  platformError: () => undefined,
  end: undefined,
};

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): `message` with JSON, `bytes`
 * with base64, and at last `end`, `error` (the method's) or `problem` (Lever's).
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

/** JSON in one line can stand for itself; bytes stand as base64 in a string. */
function valueText(kind: PayloadKind, bytes: Uint8Array): string {
  const held = Buffer.from(bytes);
  return kind === PAYLOAD_JSON ? held.toString() : JSON.stringify(held.toString("base64"));
}

function event(name: string, data: string): Uint8Array {
  // Data from a foreign service may hold line breaks, which would end the field.
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return Buffer.from(`event: ${name}\n${lines.join("")}\n`);
}
