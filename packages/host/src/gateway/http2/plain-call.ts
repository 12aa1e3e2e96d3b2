import { type PayloadKind, SMALL_BODY_BYTES } from "@leveros/protocol";
import type { ServerStream, StreamListener } from "@leveros/runtime/http2";
import { asLeverError } from "../../logs/as-lever-error.ts";
import type { IncomingCall } from "../admission/admit-call.ts";
import { numberCall } from "../call-marks.ts";
import type { DoorOptions } from "../door-options.ts";
import type { ResponseCoding } from "../http/content-coding.ts";
import { Http2Response } from "../http/http2-exchange.ts";
import { RegularReply } from "../http/reply.ts";
import { writeProblem } from "../http/write-response.ts";

/** The head of a plain call: most calls of HTTP/2, which differ only in their bodies. */
export interface PlainHead {
  readonly incoming: IncomingCall;
  readonly kind: PayloadKind;
  readonly coding: ResponseCoding | undefined;
}

/**
 * A call of a regular method whose request arrives at once, with a short body in one frame. Others, and those that turn out to be
 * different, are carried by `serveHttp`, which has to wait for them.
 */
export class PlainCall implements StreamListener {
  readonly #stream: ServerStream;
  readonly #head: PlainHead;
  readonly #options: DoorOptions;
  /** Carries the request by `serveHttp`, and returns its listener. */
  readonly #serve: () => StreamListener;
  #body: Buffer | undefined;
  /** Defined once the call is made. */
  #response: Http2Response | undefined;
  #isHandedOver = false;

  constructor(
    stream: ServerStream,
    head: PlainHead,
    { options, serve }: { readonly options: DoorOptions; readonly serve: () => StreamListener },
  ) {
    this.#stream = stream;
    this.#head = head;
    this.#options = options;
    this.#serve = serve;
    stream.listen(this);
  }

  /** Called once all that has arrived together is read: `serveHttp` waits for the rest of the request. */
  onReadAll(): void {
    const isOver = this.#response !== undefined || this.#isHandedOver || this.#stream.destroyed;
    if (!isOver) this.#handOver();
  }

  onContent(piece: Buffer): void {
    const bytesMax = Math.min(SMALL_BODY_BYTES, this.#options.limits.bodyBytesMax);
    if (this.#body === undefined && piece.length <= bytesMax) this.#body = piece;
    else this.#handOver().onContent(piece);
  }

  onEnd(): void {
    const { admission, router, replies, limits, log } = this.#options;
    const { incoming, kind, coding } = this.#head;
    const response = new Http2Response(this.#stream, false);
    this.#response = response;
    try {
      const { caller, target, isStream, timeoutMs } = admission.admitCall(incoming);
      const { number, isSampled, trace } = numberCall(incoming.request.headers, limits);
      const reply = new RegularReply(response, coding, { replies, number, isSampled, trace });
      const body = this.#body ?? NOTHING;
      const call = { number, isSampled, trace, kind, body };
      const request = { caller, target, isStream, timeoutMs, ...call };
      reply.call = router.open(request, reply, false);
    } catch (error) {
      writeProblem(response, asLeverError(error, log, "gateway"));
    }
  }

  onDrain(): void {
    this.#response?.onDrain();
  }

  onClose(): void {
    this.#response?.onClose();
  }

  #handOver(): StreamListener {
    this.#isHandedOver = true;
    const listener = this.#serve();
    if (this.#body !== undefined) listener.onContent(this.#body);
    return listener;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
