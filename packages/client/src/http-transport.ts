import type * as http from "node:http";
import {
  type CallHandle,
  type CallListener,
  cancelled,
  formatLeverUrl,
  LeverError,
  type LeverUrl,
  PAYLOAD_JSON,
  type Payload,
} from "@leveros/protocol";
import type { BaseUrl } from "./base-url.ts";
import { callRequest } from "./call-request.ts";
import { DEADLINE_GRACE_MS, deadlineExceeded } from "./deadline.ts";
import { linkTo, openLinkTo } from "./host-link.ts";
import { formatHttpAddress, type HttpAddress, parseHttpAddress } from "./http-address.ts";
import { type CalledAddress, connectionFailed } from "./http-failure.ts";
import { type HttpReply, readReply } from "./http-reply.ts";
import { requestTo } from "./http-request.ts";
import { openWebSocket } from "./open-websocket.ts";
import { PendingCall } from "./pending-call.ts";
import type { InvokeOptions, Transport } from "./transport.ts";

/** Calls from Node: over a link to the host if one is open, otherwise over Lever's HTTP API and WebSockets. */
export class HttpTransport implements Transport {
  readonly #forceHost: HttpAddress | undefined;
  readonly #base: BaseUrl | undefined;
  readonly #token: string | undefined;
  readonly #replyBytesMax: number;

  /** Without `forceHost`, calls connect to the host name of the environment. */
  constructor(options: {
    forceHost: HttpAddress | undefined;
    base: BaseUrl | undefined;
    token: string | undefined;
    replyBytesMax: number;
  }) {
    this.#forceHost = options.forceHost;
    this.#base = options.base;
    this.#token = options.token;
    this.#replyBytesMax = options.replyBytesMax;
  }

  async invoke(
    url: LeverUrl,
    payload: Payload,
    { timeoutMs, signal }: InvokeOptions,
  ): Promise<Payload> {
    const address = this.#address(url);
    const options = { token: this.#token, messageBytesMax: this.#replyBytesMax };
    const link = this.#base === undefined ? openLinkTo(address, options) : undefined;
    if (link !== undefined) {
      const request = callRequest(url, payload, {
        isStream: false,
        timeoutMs: Math.ceil(timeoutMs),
      });
      return await link.invoke(request, { timeoutMs, signal });
    }
    const headers: http.OutgoingHttpHeaders = {
      host: this.#base === undefined ? url.environment : formatHttpAddress(address),
      "content-type":
        payload.kind === PAYLOAD_JSON ? "application/json" : "application/octet-stream",
      "content-length": payload.bytes.length,
    };
    if (this.#token !== undefined) headers["authorization"] = `Bearer ${this.#token}`;
    if (timeoutMs > 0) headers["lever-timeout"] = Math.ceil(timeoutMs);
    const { path: start = "" } = this.#base ?? {};
    const path = `${start}${formatLeverUrl({ ...url, environment: "" })}`;
    const target = this.#target(url, address);
    const request = requestTo(address, { method: "POST", path, headers });
    const replyBytesMax = this.#replyBytesMax;
    const exchanging = { bytes: payload.bytes, timeoutMs, signal, replyBytesMax };
    const reply = await exchange(request, exchanging).catch((error: unknown) => {
      throw error instanceof LeverError ? error : connectionFailed(error, target);
    });
    return readReply(reply, target);
  }

  open(
    url: LeverUrl,
    args: Payload,
    options: { timeoutMs: number; events: CallListener },
  ): CallHandle {
    const { timeoutMs, events } = options;
    const address = this.#address(url);
    const token = this.#token;
    const base = this.#base;
    // A link has calls to environments by their names.
    if (base !== undefined) return openWebSocket(url, args, { ...options, token, address, base });
    const request = callRequest(url, args, { isStream: true, timeoutMs: Math.ceil(timeoutMs) });
    const link = linkTo(address, { token, messageBytesMax: this.#replyBytesMax });
    if (!(link instanceof Promise)) return link.open(request, events, true);
    const call = new PendingCall(events);
    link.then(
      (opened) =>
        call.begin(
          () =>
            opened?.open(request, events, true) ??
            openWebSocket(url, args, { ...options, token, address, base }),
        ),
      (cause) => call.refuse(connectionFailed(cause, this.#target(url, address))),
    );
    return call;
  }

  #target(url: LeverUrl, address: HttpAddress): CalledAddress {
    return {
      url: formatLeverUrl(url),
      address: formatHttpAddress(address),
      isForced: this.#forceHost !== undefined,
    };
  }

  #address(url: LeverUrl): HttpAddress {
    return this.#base?.address ?? this.#forceHost ?? parseHttpAddress(url.environment);
  }
}

/** Sends the body and collects the response. Rejects with a LeverError, or with Node's error. */
function exchange(
  request: http.ClientRequest,
  options: {
    bytes: Uint8Array;
    timeoutMs: number;
    signal: AbortSignal | undefined;
    replyBytesMax: number;
  },
): Promise<HttpReply> {
  const { timeoutMs, signal, replyBytesMax } = options;
  return new Promise((resolve, reject) => {
    const fail = (error: LeverError): void => {
      reject(error);
      request.destroy();
    };
    if (timeoutMs > 0) {
      const onDeadline = (): void => fail(deadlineExceeded(timeoutMs));
      const timer = setTimeout(onDeadline, timeoutMs + DEADLINE_GRACE_MS);
      request.once("close", () => clearTimeout(timer));
    }
    const onAborted = (): void => fail(cancelled("caller"));
    signal?.addEventListener("abort", onAborted, { once: true });
    request.once("close", () => signal?.removeEventListener("abort", onAborted));
    request.on("error", reject);
    request.once("response", (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > replyBytesMax) fail(tooLarge(replyBytesMax));
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.once("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks, bytes),
        }),
      );
    });
    request.end(options.bytes);
  });
}

function tooLarge(replyBytesMax: number): LeverError {
  return new LeverError(
    "too_large",
    `Cannot accept the reply: it is larger than the client's limit of ${replyBytesMax} bytes.`,
  );
}
