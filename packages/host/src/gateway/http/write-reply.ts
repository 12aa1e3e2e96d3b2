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

/** Writes the response of a call. A large body is counted until its caller has read it. */
export function writeReply(
  response: HttpResponse,
  parts: ResponseParts,
  replies: UnreadReplies,
): void {
  const { length } = parts.body;
  if (length <= LARGE_REPLY_BYTES && !waitsWithOthers(response)) {
    writeResponse(response, parts);
    return;
  }
  if (!replies.hasMemoryFor(length)) {
    writeResponse(response, problemParts(tooManyReplies()));
    return;
  }
  // A response of HTTP/1.1 that is complete has no connection any more.
  const writer = replyWriter(response);
  writeResponse(response, parts);
  if (writer) replies.hold(writer);
}

/** Many small replies on one connection of HTTP/2, of which nothing is read, are as large as a large one. */
function waitsWithOthers(response: HttpResponse): boolean {
  return (
    response instanceof Http2Response && response.stream.connectionQueuedBytes > LARGE_REPLY_BYTES
  );
}

/** The way of a response to its caller; null = it is closed, or still has an earlier response. */
export function replyWriter(response: HttpResponse): ReplyWriter | null {
  return response instanceof Http2Response ? response.stream : response.socket;
}
