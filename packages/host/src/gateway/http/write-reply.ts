import {
  LARGE_REPLY_BYTES,
  type ReplyWriter,
  tooManyReplies,
  type UnreadReplies,
} from "../unread-replies.ts";
import type { HttpResponse } from "./exchange.ts";
import { Http2Response } from "./http2-exchange.ts";
import { problemParts, type ResponseParts } from "./response-parts.ts";
import { writeResponse } from "./write-response.ts";

/** A piece of a large body over HTTP/2: each one that is taken shows that the caller reads. */
const PIECE_BYTES = 64 * 1024;

/** Writes the response of a call. A large body is counted until its caller has read it. */
export function writeReply(
  response: HttpResponse,
  parts: ResponseParts,
  replies: UnreadReplies,
): void {
  const { status, headers, body } = parts;
  if (body.length <= LARGE_REPLY_BYTES) {
    writeResponse(response, parts);
    return;
  }
  if (!replies.hasMemoryFor(body.length)) {
    writeResponse(response, problemParts(tooManyReplies()));
    return;
  }
  const writer = replyWriter(response);
  if (response instanceof Http2Response) {
    response.writeHead(status, headers);
    const leftBytes = writeInPieces(response, body);
    if (writer) replies.hold(writer, () => leftBytes() + writer.writableLength);
  } else {
    writeResponse(response, parts);
    if (writer) replies.hold(writer);
  }
}

/** Returns a function that says how many bytes are not written yet. */
function writeInPieces(response: HttpResponse, body: Uint8Array): () => number {
  let at = 0;
  const writeMore = (): void => {
    while (at < body.length) {
      const piece = body.subarray(at, at + PIECE_BYTES);
      at += piece.length;
      if (at === body.length) response.end(piece);
      else if (!response.write(piece)) return;
    }
  };
  response.on("drain", writeMore);
  writeMore();
  return () => body.length - at;
}

/** The way of a response to its caller; null = it is closed, or still has an earlier response. */
export function replyWriter(response: HttpResponse): ReplyWriter | null {
  return response instanceof Http2Response ? response.stream : response.socket;
}
