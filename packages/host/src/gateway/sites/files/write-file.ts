import type { FileHandle } from "node:fs/promises";
import { LeverError } from "@leveros/protocol";
import { countPassed } from "../../buffer-garbage.ts";
import type { DoorOptions } from "../../door-options.ts";
import { breakOff } from "../../http/break-off.ts";
import { acceptedCoding, type ResponseCoding } from "../../http/content-coding.ts";
import type { HttpRequest, HttpResponse } from "../../http/exchange.ts";
import type { Headers } from "../../http/response-parts.ts";
import { replyWriter, writeReply } from "../../http/write-reply.ts";
import { askedRange, type ByteRange, checkConditions } from "./conditions.ts";
import { type FileBytes, type FoundFile, openBytes } from "./found-file.ts";

/** A hashed name leads to the same content forever. Others are asked for again, with their entity tag. */
const FOREVER = "max-age=31536000, immutable";
const ASK_AGAIN = "no-cache";
/** Bytes of a large file that are read at once. */
const PIECE_BYTES = 64 * 1024;
/** Large files that are sent at once. Each takes a file descriptor. */
const OPEN_FILES_MAX = 1_000;

let openFiles = 0;

interface FileAnswer {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly found: FoundFile;
  /** 404 = it is the page for files that are not there. */
  readonly status: 200 | 404;
  /** Further fields. */
  readonly headers: Headers;
}

/**
 * Writes a file: complete, one range of it, or that the caller's copy is still the same (RFC 9110, 13 and 14). Several ranges are
 * answered with the complete file.
 * @throws Error of the system, or LeverError `overloaded`, before anything is written.
 */
export async function answerFile(
  { request, response, found, status, headers }: FileAnswer,
  options: Pick<DoorOptions, "replies">,
): Promise<void> {
  const { method, headers: asked } = request;
  const { bytes, coding } = chooseBytes(found, request);
  const hasOthers = found.br !== undefined || found.gzip !== undefined;
  const { vary } = headers;
  const shared = {
    ...headers,
    etag: bytes.tag,
    "cache-control": found.isHashed && status === 200 ? FOREVER : ASK_AGAIN,
    ...(hasOthers && { vary: vary === undefined ? "accept-encoding" : `accept-encoding, ${vary}` }),
  };
  const outcome = status === 200 ? checkConditions(asked, bytes.tag) : "send";
  if (outcome === "notModified") {
    response.writeHead(304, shared);
    response.end();
    return;
  }
  if (outcome === "failed") {
    response.writeHead(412, { ...headers, "content-length": 0 });
    response.end();
    return;
  }
  const mayBePart = method === "GET" && status === 200;
  const range = mayBePart ? askedRange(asked, bytes.tag, bytes.size) : undefined;
  if (range === "unsatisfiable") {
    const size = { "content-range": `bytes */${bytes.size}`, "content-length": 0 };
    response.writeHead(416, { ...headers, ...size });
    response.end();
    return;
  }
  const { first, last } = range ?? { first: 0, last: bytes.size - 1 };
  const head = {
    ...shared,
    "content-type": found.type,
    "content-length": last - first + 1,
    "accept-ranges": "bytes",
    ...(coding !== undefined && { "content-encoding": coding }),
    ...(range !== undefined && { "content-range": `bytes ${first}-${last}/${bytes.size}` }),
  };
  const code = range === undefined ? status : 206;
  if (method === "HEAD" || bytes.size === 0) {
    response.writeHead(code, head);
    response.end();
  } else if (bytes.content === undefined) {
    const write = () => response.writeHead(code, head);
    await sendLarge(bytes, { first, last }, { request, response, write, ...options });
  } else {
    const body = range === undefined ? bytes.content : bytes.content.subarray(first, last + 1);
    writeReply(response, { status: code, headers: head, body }, options.replies);
  }
}

/** A range is one of the file as it is: parts of compressed files are of no use to most callers. */
function chooseBytes(
  { plain, br, gzip }: FoundFile,
  { headers }: HttpRequest,
): { readonly bytes: FileBytes; readonly coding: ResponseCoding | undefined } {
  if ((br === undefined && gzip === undefined) || headers.range !== undefined) {
    return { bytes: plain, coding: undefined };
  }
  const offered: ResponseCoding[] = [];
  if (br !== undefined) offered.push("br");
  if (gzip !== undefined) offered.push("gzip");
  const coding = acceptedCoding(headers["accept-encoding"], offered);
  const bytes = coding === "br" ? br : coding === "gzip" ? gzip : undefined;
  return bytes === undefined ? { bytes: plain, coding: undefined } : { bytes, coding };
}

interface LargeAnswer extends Pick<DoorOptions, "replies"> {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  /** Writes the head. */
  readonly write: () => void;
}

/** Sends a file as fast as its caller reads it. */
async function sendLarge(bytes: FileBytes, range: ByteRange, answer: LargeAnswer): Promise<void> {
  if (openFiles >= OPEN_FILES_MAX) throw tooManyFiles();
  openFiles++;
  try {
    const file = await openBytes(bytes);
    try {
      await sendRange(file, range, answer);
    } finally {
      await file.close();
    }
  } finally {
    openFiles--;
  }
}

async function sendRange(
  file: FileHandle,
  { first, last }: ByteRange,
  { request, response, write, replies }: LargeAnswer,
): Promise<void> {
  const isGone = (): boolean => response.destroyed === true;
  let goOn = (): void => {};
  response.on("drain", () => goOn());
  response.on("close", () => goOn());
  if (isGone()) return;
  write();
  for (let at = first; at <= last; ) {
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, last - at + 1));
    const { bytesRead } = await file.read(piece, 0, piece.length, at);
    if (isGone()) return;
    if (bytesRead === 0) {
      breakOff(request, response);
      return;
    }
    at += bytesRead;
    countPassed(piece.length);
    if (response.write(piece.subarray(0, bytesRead)) || at > last) continue;
    const writer = replyWriter(response);
    if (writer) replies.hold(writer);
    if (isGone()) return;
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    if (isGone()) return;
  }
  response.end();
}

function tooManyFiles(): LeverError {
  return new LeverError(
    "overloaded",
    `Cannot send the file: ${OPEN_FILES_MAX} large files are being sent already.`,
    { retryAfterSeconds: 1 },
  );
}
