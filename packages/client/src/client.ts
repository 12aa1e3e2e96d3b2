import {
  argumentsPayload,
  cancelled,
  formatLeverUrl,
  isStreamingName,
  LeverError,
  type LeverUrl,
  type Payload,
  parseLeverUrl,
} from "@leveros/protocol";
import { HttpTransport } from "#http-transport";
import { pageUrl, parseBaseUrl } from "./base-url.ts";
import { type Callback, settle, splitCallback } from "./callback.ts";
import { parseHttpAddress } from "./http-address.ts";
import { findInstanceLink, InstanceTransport } from "./instance-transport.ts";
import type { RemoteResource, RemoteService } from "./remote-service.ts";
import { RemoteStream } from "./remote-stream.ts";
import { replyValue } from "./reply-value.ts";
import type { Transport } from "./transport.ts";

export interface ClientOptions {
  /** See `Client.forceHost`. Default: none. */
  readonly forceHost?: string | undefined;
  /**
   * URL below which a host has the calls of one environment: `https://shop.example.com/-/lever`, or in a page of a service `/-/lever`.
   * Calls then name no environment. Default: none.
   */
  readonly baseUrl?: string | undefined;
  /** Token that a host may require (`lever token create`). Default: none. */
  readonly token?: string | undefined;
  /** Time for each call in milliseconds, at most the host's own limit. Default 0: the host's default, 60 s. */
  readonly timeoutMs?: number | undefined;
  /** Cancels every call and every stream of this client when it is aborted. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Largest reply accepted over HTTP or a link, in bytes. Default 64 MiB. */
  readonly replyBytesMax?: number | undefined;
}

/** Bounds the memory that one reply can occupy. By default hosts send at most 4 MiB. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024;
/** The longest time of a timer. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** Calls Lever services: inside an instance without configuration, elsewhere over HTTP. */
export class Client {
  /**
   * `host:port` of the Lever host to connect to for every environment; may begin with `https://`. Without it, calls go to
   * the environment's own host name, or inside an instance to the host that runs it.
   */
  forceHost: string | undefined;
  readonly #baseUrl: string | undefined;
  readonly #token: string | undefined;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #replyBytesMax: number;

  /** @throws LeverError `malformed_request` for options out of range. */
  constructor(options: ClientOptions = {}) {
    const { forceHost, baseUrl, token, timeoutMs = 0, signal } = options;
    const { replyBytesMax = REPLY_BYTES_MAX } = options;
    if (!(timeoutMs >= 0 && timeoutMs <= TIMEOUT_MS_MAX)) {
      throw malformed(
        `Cannot make a client: timeoutMs is ${timeoutMs}, not 0 to ${TIMEOUT_MS_MAX}.`,
      );
    }
    this.forceHost = forceHost;
    this.#baseUrl = baseUrl;
    // An unset variable often arrives as an empty string.
    this.#token = token || undefined;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    this.#replyBytesMax = replyBytesMax;
  }

  /** A copy of this client with some options replaced: `client.with({ timeoutMs: 500 }).service(…)`. */
  with(options: ClientOptions): Client {
    const { forceHost } = this;
    const mine = {
      forceHost,
      baseUrl: this.#baseUrl,
      token: this.#token,
      timeoutMs: this.#timeoutMs,
      replyBytesMax: this.#replyBytesMax,
    };
    return new Client({ ...mine, signal: this.#signal, ...options });
  }

  /**
   * A service of an environment; `""` = the environment of the instance that this code runs in. With the type of the
   * service's module, `service<typeof import("./server.ts")>(…)`, method names, arguments and results are type-checked.
   * @throws LeverError `malformed_request` for invalid names.
   */
  service<Service = unknown>(environment: string, service: string): RemoteService<Service> {
    const name = { environment: readEnvironment(environment), service };
    requireName("service", service);
    const invoke = (method: string, ...args: unknown[]): unknown =>
      this.#invoke(() => ({ ...name, resource: "", method }), args);
    const invokeChan = (method: string, ...args: unknown[]): unknown =>
      this.#invokeChan(() => ({ ...name, resource: "", method }), args);
    // One implementation for every type.
    return {
      ...name,
      invoke: invoke as RemoteService<Service>["invoke"],
      invokeChan: invokeChan as RemoteService<Service>["invokeChan"],
    };
  }

  /**
   * A resource of a service. Every call goes to the one instance that owns the resource.
   * @throws LeverError `malformed_request` for invalid names.
   */
  resource<Service = unknown>(
    environment: string,
    service: string,
    resource: string,
  ): RemoteResource<Service> {
    const name = { environment: readEnvironment(environment), service, resource };
    requireName("service", service);
    requireName("resource", resource);
    const invoke = (method: string, ...args: unknown[]): unknown =>
      this.#invoke(() => ({ ...name, method }), args);
    const invokeChan = (method: string, ...args: unknown[]): unknown =>
      this.#invokeChan(() => ({ ...name, method }), args);
    return {
      ...name,
      invoke: invoke as RemoteResource<Service>["invoke"],
      invokeChan: invokeChan as RemoteResource<Service>["invokeChan"],
    };
  }

  /** Calls the regular method of a Lever URL. Relative URLs (`/service/method`) work inside instances. */
  invokeURL(url: string, ...args: [...args: unknown[], callback: Callback<unknown>]): undefined;
  invokeURL(url: string, ...args: unknown[]): Promise<unknown>;
  invokeURL(url: string, ...args: unknown[]): Promise<unknown> | undefined {
    return this.#invoke(() => parseLeverUrl(url), args);
  }

  /** Opens a stream to the streaming method of a Lever URL. */
  invokeChanURL(
    url: string,
    ...args: [...args: unknown[], callback: Callback<RemoteStream>]
  ): undefined;
  invokeChanURL(url: string, ...args: unknown[]): Promise<RemoteStream>;
  invokeChanURL(url: string, ...args: unknown[]): Promise<unknown> | undefined {
    return this.#invokeChan(() => parseLeverUrl(url), args);
  }

  #invokeChan(readUrl: () => LeverUrl, allArgs: readonly unknown[]): Promise<unknown> | undefined {
    const { args, callback } = splitCallback(allArgs);
    return settle(this.#open(readUrl, args), callback);
  }

  async #open(readUrl: () => LeverUrl, args: readonly unknown[]): Promise<RemoteStream> {
    const named = readUrl();
    requireName("method", named.method);
    if (!isStreamingName(named.method)) {
      throw new LeverError(
        "wrong_method_kind",
        `Cannot open ${named.method}: its name is that of a regular method. Use invoke.`,
      );
    }
    const { transport, url } = this.#route(named);
    const payload = encodeArguments(named.method, args);
    const signal = this.#signal;
    if (signal?.aborted === true) throw cancelled("caller");
    const timeoutMs = this.#timeoutMs;
    const stream = new RemoteStream((events) =>
      transport.open(url, payload, { timeoutMs, events }),
    );
    const cancel = (): void => stream.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    const forget = (): void => signal?.removeEventListener("abort", cancel);
    stream.on("end", forget).on("error", forget);
    return stream;
  }

  #invoke(readUrl: () => LeverUrl, allArgs: readonly unknown[]): Promise<unknown> | undefined {
    const { args, callback } = splitCallback(allArgs);
    return settle(this.#call(readUrl, args), callback);
  }

  async #call(readUrl: () => LeverUrl, args: readonly unknown[]): Promise<unknown> {
    const named = readUrl();
    requireName("method", named.method);
    if (isStreamingName(named.method)) {
      throw new LeverError(
        "wrong_method_kind",
        `Cannot invoke ${named.method}: its name is that of a streaming method. Use invokeChan.`,
      );
    }
    const { transport, url } = this.#route(named);
    const payload = encodeArguments(named.method, args);
    const options = { timeoutMs: this.#timeoutMs, signal: this.#signal };
    if (options.signal?.aborted === true) throw cancelled("caller");
    return replyValue(await transport.invoke(url, payload, options));
  }

  /** The transport for a URL, and the URL with its environment. */
  #route(named: LeverUrl): { transport: Transport; url: LeverUrl } {
    const shared = { token: this.#token, replyBytesMax: this.#replyBytesMax };
    if (this.#baseUrl !== undefined) {
      const base = parseBaseUrl(this.#baseUrl, pageUrl());
      if (named.environment === "") {
        return {
          transport: new HttpTransport({ ...shared, forceHost: undefined, base }),
          url: named,
        };
      }
      throw malformed(
        `Cannot call ${formatLeverUrl(named)}: the baseUrl of the client stands for one environment. Leave the environment out.`,
      );
    }
    const link = findInstanceLink();
    const environment = named.environment === "" ? link?.environment : named.environment;
    if (environment === undefined) {
      throw malformed(
        `Cannot call ${formatLeverUrl(named)}: a relative URL has an environment only inside an instance. Elsewhere, use lever://<environment>${formatLeverUrl(named)}.`,
      );
    }
    const url = { ...named, environment };
    // An unset variable often arrives as an empty string.
    const forceHost = this.forceHost ? parseHttpAddress(this.forceHost) : undefined;
    if (link !== undefined && forceHost === undefined) {
      return { transport: new InstanceTransport(link), url };
    }
    return { transport: new HttpTransport({ ...shared, forceHost, base: undefined }), url };
  }
}

function readEnvironment(environment: string): string {
  if (environment === "") return "";
  // Parsed as part of a URL, so that one rule decides which names are valid.
  const { environment: name, resource } = parseLeverUrl(`lever://${environment}/-/-`);
  if (resource === "") return name;
  throw malformed(`Cannot make the call: "${environment}" is not a valid name of an environment.`);
}

/** @throws LeverError `malformed_request` for a name that cannot be part of a URL. */
function requireName(what: "service" | "resource" | "method", name: string): void {
  if (typeof name !== "string" || name === "" || !name.isWellFormed()) {
    throw malformed(
      `Cannot make the call: ${JSON.stringify(name)} is not a valid name of a ${what}.`,
    );
  }
}

function encodeArguments(method: string, args: readonly unknown[]): Payload {
  try {
    return argumentsPayload(args);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw malformed(`Cannot send the arguments of ${method}: ${problem}`, cause);
  }
}

function malformed(message: string, cause?: unknown): LeverError {
  return new LeverError("malformed_request", message, { cause });
}
