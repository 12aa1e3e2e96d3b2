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
import { type BaseUrl, callPath } from "./base-url.ts";
import { formatHttpAddress, type HttpAddress, parseHttpAddress } from "./http-address.ts";
import { readReply } from "./http-reply.ts";
import { openWebSocket } from "./open-websocket.ts";
import type { InvokeOptions, Transport } from "./transport.ts";

/** Calls from a web page: regular calls by fetch, streams over WebSockets. */
export class HttpTransport implements Transport {
  readonly #forceHost: HttpAddress | undefined;
  readonly #base: BaseUrl | undefined;
  readonly #token: string | undefined;

  constructor(options: {
    forceHost: HttpAddress | undefined;
    base: BaseUrl | undefined;
    token: string | undefined;
  }) {
    this.#base = options.base;
    this.#token = options.token;
    this.#forceHost = options.forceHost;
  }

  async invoke(
    url: LeverUrl,
    payload: Payload,
    { timeoutMs, signal }: InvokeOptions,
  ): Promise<Payload> {
    const address = this.#address(url);
    const authority = formatHttpAddress(address);
    const headers: Record<string, string> = {
      "content-type":
        payload.kind === PAYLOAD_JSON ? "application/json" : "application/octet-stream",
    };
    if (this.#token !== undefined) headers["authorization"] = `Bearer ${this.#token}`;
    if (timeoutMs > 0) headers["lever-timeout"] = String(Math.ceil(timeoutMs));
    const path = callPath(url, this.#base, new URLSearchParams());
    const scheme = address.isSecure ? "https" : "http";
    const target = {
      url: formatLeverUrl(url),
      address: authority,
      isForced: this.#forceHost !== undefined,
    };
    try {
      const response = await fetch(`${scheme}://${authority}${path}`, {
        method: "POST",
        headers,
        body: new Uint8Array(payload.bytes),
        ...(signal !== undefined && { signal }),
      });
      const body = new Uint8Array(await response.arrayBuffer());
      const { status } = response;
      return readReply({ status, headers: Object.fromEntries(response.headers), body }, target);
    } catch (cause) {
      if (cause instanceof LeverError) throw cause;
      if (signal?.aborted === true) throw cancelled("caller");
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `Cannot call ${target.url} at ${authority}: ${reason}.`;
      throw new LeverError("unreachable", message, { cause });
    }
  }

  open(
    url: LeverUrl,
    args: Payload,
    options: { timeoutMs: number; events: CallListener },
  ): CallHandle {
    return openWebSocket(url, args, {
      ...options,
      token: this.#token,
      address: this.#address(url),
      base: this.#base,
    });
  }

  #address(url: LeverUrl): HttpAddress {
    return this.#base?.address ?? this.#forceHost ?? parseHttpAddress(url.environment);
  }
}
