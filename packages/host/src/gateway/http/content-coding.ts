import zlib from "node:zlib";
import { LeverError, PAYLOAD_JSON, type PayloadKind } from "@leveros/protocol";
import { bodyTooLarge } from "./body.ts";
import { codings, type ResponseParts } from "./response-parts.ts";

/** The codings of requests. */
export type Coding = (typeof codings)[number];
/** The codings of responses. */
export type ResponseCoding = "gzip" | "br";

/** Shorter results gain little. */
const COMPRESSED_FROM_BYTES = 1024;
/** Ratios near those of the default levels, in a third of the time. */
const GZIP_LEVEL = 4;
const BROTLI_QUALITY = 4;
/** Bytes that are coded before the thread is free for other work. */
const CHUNK_BYTES = 64 * 1024;
/** Bodies that are decoded at once. The others wait, compressed. It bounds the memory of decoders. */
const DECODERS_MAX = 8;
/** Results that are compressed at once. Others are sent as they are. */
const ENCODERS_MAX = 16;

type Done = (error: Error | null, bytes: Buffer) => void;

const decode: Readonly<Record<Coding, (body: Uint8Array, bytesMax: number, done: Done) => void>> = {
  gzip: (body, maxOutputLength, done) =>
    zlib.gunzip(body, { maxOutputLength, chunkSize: CHUNK_BYTES }, done),
  br: (body, maxOutputLength, done) =>
    zlib.brotliDecompress(body, { maxOutputLength, chunkSize: CHUNK_BYTES }, done),
  deflate: (body, maxOutputLength, done) =>
    zlib.inflate(body, { maxOutputLength, chunkSize: CHUNK_BYTES }, done),
};

/** The coding of a request's body; undefined = none. @throws LeverError `unsupported_media_type` */
export function contentCoding(header: string | undefined): Coding | undefined {
  const name = header?.trim().toLowerCase() ?? "";
  if (name === "" || name === "identity") return undefined;
  const coding = codings.find((known) => known === name || `x-${known}` === name);
  if (coding !== undefined) return coding;
  throw new LeverError(
    "unsupported_media_type",
    `Cannot read the request: its content-encoding is ${JSON.stringify(name.slice(0, 40))}; allowed is one of ${codings.join(", ")}.`,
  );
}

let decoders = 0;
const waiting: (() => void)[] = [];

/** Decodes a body. A body that is larger when decoded than the limit is refused without decoding the rest of it. */
export function decodeBody(
  body: Uint8Array,
  { coding, bytesMax }: { readonly coding: Coding; readonly bytesMax: number },
  done: (body: Uint8Array | LeverError) => void,
): void {
  const begin = (): void => {
    decoders++;
    decode[coding](body, bytesMax, (error, bytes) => {
      decoders--;
      waiting.shift()?.();
      done(error === null ? bytes : decodingError(error, coding, bytesMax));
    });
  };
  if (decoders < DECODERS_MAX) begin();
  else waiting.push(begin);
}

function decodingError(error: Error, coding: Coding, bytesMax: number): LeverError {
  const isTooLarge = "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
  return isTooLarge ? bodyTooLarge(bytesMax) : notInCoding(error, coding);
}

/** The body has an error of the decoder, or ends too early. */
export function notInCoding(error: Error, coding: Coding): LeverError {
  return new LeverError(
    "malformed_request",
    `Cannot read the request: its body is not ${coding} (${error.message}).`,
  );
}

/**
 * The coding for the response to a caller, by its accept-encoding; undefined = none (RFC 9110, 12.5.3).
 * @param offered the codings that there are. Default: all.
 */
export function acceptedCoding(
  header: string | string[] | undefined,
  offered: readonly ResponseCoding[] = ["br", "gzip"],
): ResponseCoding | undefined {
  if (header === undefined) return undefined;
  const weights = new Map<string, number>();
  for (const part of String(header).toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim());
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    weights.set(name, weight === undefined ? 1 : Number(weight) || 0);
  }
  const weightOf = (coding: ResponseCoding): number =>
    offered.includes(coding) ? (weights.get(coding) ?? weights.get("*") ?? 0) : 0;
  const [br, gzip] = [weightOf("br"), weightOf("gzip")];
  // Unless the caller weighs it, a response without a coding is only for those that accept none.
  const none = weights.get("identity") ?? 0;
  if (br > 0 && br >= gzip && br >= none) return "br";
  return gzip > 0 && gzip >= none ? "gzip" : undefined;
}

let encoders = 0;

/** JSON of some length is worth it. Bytes may be compressed already. */
export function isWorthCompressing(kind: PayloadKind, { length }: Uint8Array): boolean {
  return kind === PAYLOAD_JSON && length >= COMPRESSED_FROM_BYTES && encoders < ENCODERS_MAX;
}

/** Compresses a response. */
export function compressResponse(
  parts: ResponseParts,
  coding: ResponseCoding,
  done: (parts: ResponseParts) => void,
): void {
  const { status, headers, body } = parts;
  encoders++;
  const finish: Done = (error, bytes) => {
    encoders--;
    if (error === null && bytes.length < body.length) {
      const added = { "content-length": bytes.length, "content-encoding": coding };
      done({ status, headers: { ...headers, ...added }, body: bytes });
    } else done(parts);
  };
  if (coding === "gzip") {
    zlib.gzip(body, { level: GZIP_LEVEL, chunkSize: CHUNK_BYTES }, finish);
    return;
  }
  const params = {
    [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [zlib.constants.BROTLI_PARAM_SIZE_HINT]: body.length,
  };
  zlib.brotliCompress(body, { params, chunkSize: CHUNK_BYTES }, finish);
}
