import {
  type CallListener,
  encodeText,
  type FetchRequestHead,
  type LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import type { StyledMethod } from "../call-method.ts";
import type { RunningCall } from "../running-call.ts";
import { RequestBody } from "./request-body.ts";
import { checkResponse, type ResponseParts, responseHead } from "./response-head.ts";

/** Larger messages would cross the link in several frames. */
const PIECE_BYTES = 64 * 1024;

/** Calls the `fetch` of a service with a request, and sends its response. */
export function serveFetch(
  method: StyledMethod,
  running: RunningCall,
  args: unknown[],
): CallListener {
  const exchange = new FetchExchange(running, args as unknown as FetchRequestHead);
  void exchange.serve(method);
  return exchange;
}

class FetchExchange implements CallListener {
  readonly #running: RunningCall;
  readonly #head: FetchRequestHead;
  readonly #body: RequestBody | undefined;
  #reader: ReadableStreamDefaultReader<unknown> | undefined;
  #onWritable: (() => void) | undefined;
  /** Work that goes on after the response. */
  #pending: Promise<unknown>[] = [];

  constructor(running: RunningCall, head: FetchRequestHead) {
    this.#running = running;
    this.#head = head;
    const [method, , , hasBody] = head;
    // The standard has no bodies for these.
    const canHaveBody = method !== "GET" && method !== "HEAD";
    if (hasBody && canHaveBody) this.#body = new RequestBody(running.side);
  }

  async serve({ call, owner }: StyledMethod): Promise<void> {
    const running = this.#running;
    try {
      const returned: unknown = await Reflect.apply(call, owner, [
        this.#request(),
        running,
        this.#lifetime(),
      ]);
      const response = checkResponse(returned);
      if (!running.isOver) await this.#send(response);
      else void response.body?.cancel().catch(() => {});
    } catch (error) {
      running.fail(error);
      void this.#reader?.cancel(error).catch(() => {});
    } finally {
      running.settle();
      this.#body?.fail(new Error("The request is answered."));
    }
  }

  #request(): Request {
    const [method, url, fields] = this.#head;
    const headers = new Headers();
    for (let at = 0; at < fields.length; at += 2) {
      headers.append(fields[at] ?? "", fields[at + 1] ?? "");
    }
    const { signal } = this.#running;
    const body = this.#body?.stream;
    return body === undefined
      ? new Request(url, { method, headers, signal })
      : new Request(url, { method, headers, signal, body, duplex: "half" });
  }

  /** As in other places where such functions run (`waitUntil` of service workers). */
  #lifetime(): object {
    return {
      waitUntil: (work: unknown) => {
        this.#pending.push(Promise.resolve(work));
      },
      passThroughOnException() {},
    };
  }

  async #send(response: ResponseParts): Promise<void> {
    const { side } = this.#running;
    const { body } = response;
    const head = encodeText(JSON.stringify(responseHead(response)));
    if (body === null || this.#head[0] === "HEAD") {
      side.send(PAYLOAD_JSON, head, true);
      void body?.cancel().catch(() => {});
    } else {
      const reader = body.getReader();
      this.#reader = reader;
      if (!side.send(PAYLOAD_JSON, head)) await this.#writable();
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#running.isOver) return;
        if (done) break;
        await this.#sendPiece(value);
      }
      side.end();
    }
    await this.#finish();
  }

  async #sendPiece(value: unknown): Promise<void> {
    if (!(value instanceof Uint8Array)) {
      throw new TypeError("a part of the response's body is no Uint8Array");
    }
    const { side } = this.#running;
    for (let at = 0; at < value.length; at += PIECE_BYTES) {
      if (!side.send(PAYLOAD_BYTES, value.subarray(at, at + PIECE_BYTES))) await this.#writable();
    }
  }

  /** Resolves when more can be sent, or the call is over. */
  #writable(): Promise<void> {
    if (this.#running.isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onWritable = resolve;
    });
  }

  /** The instance does not exit before the work that the function has announced is done. */
  async #finish(): Promise<void> {
    if (this.#pending.length > 0) await Promise.allSettled(this.#pending);
    this.#running.finish();
  }

  // From the caller.

  onMessage(_kind: PayloadKind, bytes: Uint8Array): void {
    this.#body?.add(bytes);
  }

  onEnd(): void {
    this.#body?.end();
  }

  onFail(): void {}

  onAbort(error: LeverError): void {
    this.#running.cancel(error);
    this.#body?.fail(error);
    void this.#reader?.cancel(error).catch(() => {});
    this.onDrain();
  }

  onDrain(): void {
    const resume = this.#onWritable;
    this.#onWritable = undefined;
    resume?.();
  }
}
