import { ServerResponse } from "node:http";
import {
  type CallHandle,
  type CallListener,
  cancelled,
  formatCallId,
  LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
  type WaitTimes,
} from "@leveros/protocol";
import type { Clock } from "../../../clock.ts";
import { countPassed } from "../../buffer-garbage.ts";
import type { DoorOptions } from "../../door-options.ts";
import type { GatewayLimits } from "../../gateway-limits.ts";
import { MessageWriter } from "../../message-writer.ts";
import type { UnreadReplies } from "../../unread-replies.ts";
import { breakOff } from "../break-off.ts";
import type { RequestContent } from "../decoded-body.ts";
import { discardBody } from "../discard-body.ts";
import type { Exchange, HttpRequest, HttpResponse } from "../exchange.ts";
import {
  type AnsweredCall,
  CALL_HEADER,
  callHeaders,
  methodErrorParts,
} from "../response-parts.ts";
import { replyWriter, writeReply } from "../write-reply.ts";
import { writeProblem } from "../write-response.ts";
import {
  eventChunk,
  HEARTBEAT,
  jsonLines,
  rawBytes,
  type StreamFormat,
  serverSentEvents,
} from "./format.ts";

/** Pages wait at most this long for the head of server-sent events. */
const HEAD_MS = 3_000;

interface EventsOptions extends Pick<GatewayLimits, "pingIntervalMs"> {
  readonly clock: Clock;
}

/**
 * Writes the response of a streaming call. A failure before the first message has the response of a regular call. The
 * first message decides the format, unless the caller has asked for server-sent events. What was written is sent before the
 * connection breaks off.
 */
export class StreamReply implements AnsweredCall, CallListener {
  readonly number: number;
  readonly isSampled: boolean;
  readonly #request: HttpRequest;
  readonly #content: RequestContent;
  readonly #response: HttpResponse;
  readonly #replies: UnreadReplies;
  call: CallHandle | undefined;
  waitTimes: WaitTimes | undefined;
  isOver = false;
  #format: StreamFormat | undefined;
  /** Defined when the caller has asked for server-sent events. */
  #events: EventsOptions | undefined;
  #timer: unknown;
  /** Writes server-sent events, once the head of the response is sent over a connection of HTTP/1.1. */
  #writer: MessageWriter | undefined;
  /** The caller does not read as fast as the method writes. */
  #isPaused = false;
  /** No message was written since the last check. */
  #isSilent = false;

  /** `content`: of the request, as the method gets it. */
  constructor(
    { request, response, call }: Exchange,
    content: RequestContent,
    { replies }: Pick<DoorOptions, "replies">,
  ) {
    this.number = call.number;
    this.isSampled = call.isSampled;
    this.#request = request;
    this.#content = content;
    this.#replies = replies;
    this.#response = response;
    response.on("drain", () => this.#resume());
    response.on("close", () => {
      this.#events?.clock.clearTimeout(this.#timer);
      this.#content.stop?.();
      if (!this.isOver) this.call?.abort(cancelled("connectionClosed"));
    });
  }

  /**
   * The caller has asked for server-sent events. The head waits for the first event, so that a failure before it has a status
   * of its own, but not for long: pages wait for the head.
   */
  awaitEvents(events: EventsOptions): void {
    this.#events = events;
    this.#checkLater(HEAD_MS);
  }

  #checkLater(ms: number): void {
    const { clock, pingIntervalMs } = this.#events ?? {};
    this.#timer = clock?.setTimeout(() => {
      if (this.isOver) return;
      if (this.#format === undefined) this.#begin(serverSentEvents);
      else if (this.#isSilent && !this.#isPaused) this.#response.write(HEARTBEAT);
      this.#isSilent = true;
      if (pingIntervalMs !== undefined) this.#checkLater(pingIntervalMs);
    }, ms);
  }

  /** Sends the head of the response. */
  #begin(format: StreamFormat): void {
    this.#format = format;
    this.#response.writeHead(200, {
      "content-type": format.contentType,
      // Proxies must neither keep nor gather nor compress the messages.
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      ...callHeaders(this),
      // An error that comes later has no header of its own.
      [CALL_HEADER]: formatCallId(this.number),
    });
    if (format.begin !== undefined) this.#response.write(format.begin);
    if (format === serverSentEvents) this.#writer = this.#eventWriter();
  }

  /** Node's `write` would take three pieces for each event. undefined = only it may write. */
  #eventWriter(): MessageWriter | undefined {
    const response = this.#response;
    if (!(response instanceof ServerResponse) || !response.chunkedEncoding) return undefined;
    // A response without a body, or behind another one on its connection.
    if (response.req.method === "HEAD" || response.socket === null) return undefined;
    const { socket } = response;
    const onDrain = (): void => this.#resume();
    socket.on("drain", onDrain);
    response.on("close", () => socket.off("drain", onDrain));
    return new MessageWriter(socket, eventChunk);
  }

  /** Cancels the call with an error of the caller's, and answers with it. */
  fail(error: LeverError): void {
    this.call?.abort(error);
    this.onAbort(error);
  }

  onAssigned(waitTimes: WaitTimes): void {
    this.waitTimes = waitTimes;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.isOver) return;
    countPassed(bytes.length);
    if (this.#format === undefined) this.#begin(this.#formatOf(kind));
    this.#isSilent = false;
    if (this.#writer !== undefined) {
      this.#writer.write(kind, bytes);
      if (this.#writer.isFull && !this.#isPaused) this.#pause();
      return;
    }
    const text = this.#format?.message(kind, bytes);
    if (text === undefined) this.fail(mixedKinds());
    else if (!this.#response.write(text)) this.#pause();
  }

  onEnd(): void {
    if (this.isOver) return;
    if (this.#format === undefined) this.#begin(this.#formatOf(PAYLOAD_JSON));
    this.#finish(this.#format?.end);
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.isOver) return;
    if (this.#format !== undefined) {
      this.#failLate(this.#format.methodError(kind, bytes));
      return;
    }
    this.#close();
    writeReply(this.#response, methodErrorParts(kind, bytes, this), this.#replies);
  }

  onAbort(reason: LeverError): void {
    if (this.isOver) return;
    const error = reason.ofCall(formatCallId(this.number));
    if (this.#format !== undefined) {
      this.#failLate(this.#format.platformError(error));
      return;
    }
    this.#close();
    writeProblem(this.#response, error);
  }

  onDrain(): void {
    this.#content.resume();
  }

  #failLate(last: Uint8Array | undefined): void {
    if (last !== undefined) {
      this.#finish(last);
      return;
    }
    this.isOver = true;
    this.#content.stop?.();
    breakOff(this.#request, this.#response);
  }

  #formatOf(kind: PayloadKind): StreamFormat {
    if (this.#events !== undefined) return serverSentEvents;
    return kind === PAYLOAD_BYTES ? rawBytes : jsonLines;
  }

  #resume(): void {
    if (!this.#isPaused || this.#writer?.isFull === true) return;
    this.#isPaused = false;
    this.call?.resume();
  }

  #pause(): void {
    this.#isPaused = true;
    this.call?.pause();
    const writer = replyWriter(this.#response);
    if (writer) this.#replies.hold(writer);
  }

  #finish(last: Uint8Array | undefined): void {
    this.#close();
    this.#writer?.flush();
    this.#response.end(last);
  }

  #close(): void {
    this.isOver = true;
    this.#content.stop?.();
    discardBody(this.#request);
  }
}

function mixedKinds(): LeverError {
  return new LeverError(
    "not_supported",
    "Cannot send the message: over plain HTTP, a stream is all JSON or all bytes.",
  );
}
