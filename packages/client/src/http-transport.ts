import type * as http from "node:http";
import type * as https from "node:https";
import {
  type CallEvents,
  type CallSide,
  formatLeverUrl,
  LeverError,
  type LeverUrl,
  PAYLOAD_JSON,
  type Payload,
} from "@leveros/protocol";
import { formatHttpAddress, type HttpAddress, parseHttpAddress } from "./http-address.ts";
import { connectionFailed } from "./http-failure.ts";
import { type HttpReply, readReply } from "./http-reply.ts";
import { openWebSocket } from "./open-websocket.ts";
import { leftCall } from "./reply-value.ts";
import type { InvokeOptions, Transport } from "./transport.ts";

/** Shorter than hosts keep idle connections, so that a call seldom meets one that is just being closed. */
const IDLE_CONNECTION_TIMEOUT_MS = 30_000;
/** To one host: further calls wait in this process instead of taking every connection that the host allows. */
const CONNECTIONS_MAX = 1_000;
/** The host keeps the deadline and says where the time went; the client waits this much longer to hear it. */
const DEADLINE_GRACE_MS = 1_000;

// Shared by all clients: connections belong to the process, and idle ones neither keep it alive nor stay for long.
const agentOptions = {
  keepAlive: true,
  maxSockets: CONNECTIONS_MAX,
  timeout: IDLE_CONNECTION_TIMEOUT_MS,
};
let httpAgent: http.Agent | undefined;
let httpsAgent: https.Agent | undefined;

/** Calls over Lever's HTTP API. */
export class HttpTransport implements Transport {
  readonly #forceHost: HttpAddress | undefined;
  readonly #token: string | undefined;
  readonly #replyBytesMax: number;

  /** Without `forceHost`, each environment is reached under its own host name. */
  constructor(options: {
    forceHost: HttpAddress | undefined;
    token: string | undefined;
    replyBytesMax: number;
  }) {
    this.#forceHost = options.forceHost;
    this.#token = options.token;
    this.#replyBytesMax = options.replyBytesMax;
  }

  async invoke(
    url: LeverUrl,
    payload: Payload,
    { timeoutMs, signal }: InvokeOptions,
  ): Promise<Payload> {
    const address = this.#address(url);
    const headers: http.OutgoingHttpHeaders = {
      host: url.environment,
      "content-type":
        payload.kind === PAYLOAD_JSON ? "application/json" : "application/octet-stream",
      "content-length": payload.bytes.length,
    };
    if (this.#token !== undefined) headers["authorization"] = `Bearer ${this.#token}`;
    if (timeoutMs > 0) headers["lever-timeout"] = Math.ceil(timeoutMs);
    const path = formatLeverUrl({ ...url, environment: "" });
    const target = {
      url: formatLeverUrl(url),
      address: formatHttpAddress(address),
      isForced: this.#forceHost !== undefined,
    };
    const request = requestTo(address, { method: "POST", path, headers });
    const replyBytesMax = this.#replyBytesMax;
    const options = { bytes: payload.bytes, timeoutMs, signal, replyBytesMax };
    const reply = await exchange(request, options).catch((error: unknown) => {
      throw error instanceof LeverError ? error : connectionFailed(error, target);
    });
    return readReply(reply, target);
  }

  open(url: LeverUrl, args: Payload, options: { timeoutMs: number; events: CallEvents }): CallSide {
    return openWebSocket(url, args, {
      ...options,
      token: this.#token,
      address: this.#address(url),
    });
  }

  #address(url: LeverUrl): HttpAddress {
    return this.#forceHost ?? parseHttpAddress(url.environment);
  }
}

function requestTo(
  { isSecure, host, port }: HttpAddress,
  options: http.RequestOptions,
): http.ClientRequest {
  // Had when they are needed, and not imported, which would load all that they ever load: an instance, whose calls go over
  // its link, would start with 5 MB that it does not use.
  if (!isSecure) {
    const { Agent, request } = process.getBuiltinModule("node:http");
    httpAgent ??= new Agent(agentOptions);
    return request({ ...options, host, port, agent: httpAgent });
  }
  const { Agent, request } = process.getBuiltinModule("node:https");
  httpsAgent ??= new Agent(agentOptions);
  // By itself Node would expect the certificate of the Host header's name, which is the environment's.
  const servername = process.getBuiltinModule("node:net").isIP(host) === 0 ? host : "";
  return request({ ...options, host, port, agent: httpsAgent, servername });
}

/** Sends the body and gathers the answer. Fails with a LeverError of its own, or with what Node says. */
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
    const leave = (error: LeverError): void => {
      reject(error);
      request.destroy();
    };
    if (timeoutMs > 0) {
      const onDeadline = (): void => leave(tooLate(timeoutMs));
      const timer = setTimeout(onDeadline, timeoutMs + DEADLINE_GRACE_MS);
      request.once("close", () => clearTimeout(timer));
    }
    const onAborted = (): void => leave(leftCall());
    signal?.addEventListener("abort", onAborted, { once: true });
    request.once("close", () => signal?.removeEventListener("abort", onAborted));
    request.on("error", reject);
    request.once("response", (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > replyBytesMax) leave(tooLarge(replyBytesMax));
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

function tooLate(timeoutMs: number): LeverError {
  return new LeverError(
    "deadline_exceeded",
    `Cannot finish the call: there was no answer within its ${timeoutMs} ms.`,
  );
}

function tooLarge(replyBytesMax: number): LeverError {
  return new LeverError(
    "too_large",
    `Cannot take the reply: it is larger than the client's limit of ${replyBytesMax} bytes.`,
  );
}
